#include "connectors/postgres/cursor.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "connectors/postgres/types.h"
#include "connectors/relational/busy.h"

namespace penstock::postgres {

void rethrow(const Error& error) {
  if (error.busy()) throw relational::BusyError(error.what());
  if (error.transient()) throw RetriableError(error.what());
  throw error;
}

Rows::Rows(Connection& connection, const std::string& sql,
           std::span<const relational::Column> columns, relational::Granularity granularity,
           std::size_t fetch_rows)
    : connection_(connection),
      columns_(columns.begin(), columns.end()),
      granularity_(granularity),
      rows_max_(static_cast<int>(fetch_rows)),
      asked_(0) {
  try {
    connection_.execute("BEGIN READ ONLY");
    connection_.execute("DECLARE penstock_rows NO SCROLL CURSOR FOR " + sql);
    send(std::min(kFirstRows, rows_max_));
  } catch (const Error&) {
    PQclear(PQexec(connection_.handle(), "ROLLBACK"));
    throw;
  }
}

Rows::~Rows() {
  PGconn* db = connection_.handle();
  if (under_way_) {
    PQconsumeInput(db);
    if (PQisBusy(db) != 0) connection_.cancel();
    while (PGresult* result = PQgetResult(db)) PQclear(result);
  }
  PQclear(PQexec(db, "ROLLBACK"));
}

void Rows::send(int rows) {
  constexpr int kBinary = 1;
  fetch_ = "FETCH FORWARD " + std::to_string(rows) + " FROM penstock_rows";
  asked_ = rows;
  if (PQsendQueryParams(connection_.handle(), fetch_.c_str(), 0, nullptr, nullptr, nullptr, nullptr,
                        kBinary) != 1) {
    connection_.fail(nullptr, fetch_);
  }
  under_way_ = true;
}

void Rows::receive() {
  under_way_ = false;
  PGresult* result = PQgetResult(connection_.handle());
  while (PGresult* more = PQgetResult(connection_.handle())) PQclear(more);
  portion_ = connection_.check(result, fetch_);
  rows_ = portion_.rows();
  row_ = -1;
  if (rows_ == asked_) {
    const std::size_t row_bytes = std::max<std::size_t>(
        PQresultMemorySize(portion_.get()) / static_cast<std::size_t>(rows_), 1);
    send(static_cast<int>(std::clamp<std::size_t>(kPortionBytes / row_bytes, 1,
                                                  static_cast<std::size_t>(rows_max_))));
  }
  if (portion_.columns() < static_cast<int>(columns_.size()))
    throw RetriableError("the columns changed meanwhile");
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (!agrees(columns_[i], PQftype(portion_.get(), static_cast<int>(i)))) {
      throw RetriableError("column " + columns_[i].name + " changed its type meanwhile");
    }
  }
}

bool Rows::wait(std::chrono::steady_clock::time_point until) {
  PGconn* db = connection_.handle();
  while (under_way_) {
    if (PQconsumeInput(db) != 1)
      throw RetriableError(connection_.shown() + ": the connection was lost");
    if (PQisBusy(db) == 0) break;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now())
            .count();
    if (left <= 0) return false;
    pollfd socket{PQsocket(db), POLLIN, 0};
    ::poll(&socket, 1, static_cast<int>(left));
  }
  return true;
}

bool Rows::step() {
  if (++row_ < rows_) return true;
  if (!under_way_) return false;
  try {
    receive();
  } catch (const Error& e) {
    rethrow(e);
  }
  return ++row_ < rows_;
}

bool Rows::read(Block& block, std::span<Value> row) {
  bool good = true;
  const PGresult* portion = portion_.get();
  for (int i = 0; i < static_cast<int>(columns_.size()); ++i) {
    Value& out = row[static_cast<std::size_t>(i)];
    const int size = PQgetlength(portion, row_, i);
    if (size == 0 && PQgetisnull(portion, row_, i) != 0) {
      out = Value::null();
      continue;
    }
    const std::string_view bytes(PQgetvalue(portion, row_, i), static_cast<std::size_t>(size));
    if (convert(bytes, columns_[static_cast<std::size_t>(i)], granularity_, block, out, why_))
      continue;
    out = Value::null();
    if (good) problem_ = {static_cast<std::size_t>(i), why_};
    good = false;
  }
  return good;
}

std::int64_t Rows::integer(int column) const {
  if (portion_.is_null(row_, column))
    throw std::runtime_error("incrementing.column.name: a row holds null");
  return integer_of(portion_.text(row_, column), columns_[static_cast<std::size_t>(column)]);
}

std::int64_t Rows::time(int column) const { return time_of(portion_.text(row_, column)); }

}  // namespace penstock::postgres
