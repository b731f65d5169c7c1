// Rows on their way to PostgreSQL: COPY, and arrays for UNNEST.

#include <algorithm>
#include <cstring>
#include <numeric>

#include "connectors/postgres/sink_database.h"
#include "connectors/postgres/sink_encode.h"
#include "connectors/postgres/sink_sql.h"

namespace penstock::postgres {

using relational::BadRow;
using relational::BadRows;
using relational::Change;
using relational::Misfit;
using relational::Op;
using relational::Plan;
using relational::PlanColumn;

namespace {

/// Sent in one statement; bounds memory here and in the server, which limits an array to 1 GiB.
constexpr std::size_t kStatementBytesMax = 8 * 1024 * 1024;
/// Sent at once of a COPY: the server works on it meanwhile.
constexpr std::size_t kCopySentBytes = 32 * 1024;
constexpr std::string_view kCopySignature("PGCOPY\n\xff\r\n\0", 11);
constexpr std::size_t kArrayHeaderBytes = 20;

void encode_column(const Plan& plan, std::size_t i, std::span<const Change> changes, std::size_t at,
                   std::string& out) {
  const PlanColumn& column = plan.columns[i];
  const Record& record = *changes[at].record;
  try {
    encode(column, relational::plan_value(column, record), out);
  } catch (const Misfit& e) {
    throw BadRow(at, relational::located(plan, &column, record, e.what()));
  }
}

/// dimensions, has-nulls flag, element type; then size and lower bound of the one dimension
void put_array_header(std::string& array, std::uint32_t element, std::size_t rows) {
  std::string header;
  append_int32(header, 1);
  append_int32(header, 1);
  append_int32(header, static_cast<std::int32_t>(element));
  append_int32(header, static_cast<std::int32_t>(rows));
  append_int32(header, 1);
  std::memcpy(array.data(), header.data(), kArrayHeaderBytes);
}

/// Class 21: two rows of one statement have the same key in other bytes; 44, P0: a view's check, a
/// trigger; 54: too large for an index.
bool of_rows(const Error& e) {
  return e.data() || e.in_class("21") || e.in_class("44") || e.in_class("54") || e.in_class("P0");
}

}  // namespace

void PostgresSinkDatabase::write(Plan& plan, std::span<const Change> changes) {
  const auto& statements = static_cast<const SinkStatements&>(*plan.statements);
  try {
    if (!statements.copy.empty()) {
      copy(plan, statements, changes);
    } else if (plan.op == Op::kPatch) {
      patch(plan, statements, changes);
    } else if (plan.op == Op::kInsert) {
      order_.resize(changes.size());
      std::iota(order_.begin(), order_.end(), 0U);
      run_arrays(plan, statements.write, changes, order_);
    } else if (plan.op == Op::kUpdate && statements.write.empty()) {
      return;  // nothing but the key
    } else if (plan.op == Op::kUpdate && !statements.exact_keys) {
      for (std::uint32_t i = 0; i < changes.size(); ++i)
        run_arrays(plan, statements.write, changes, {&i, 1});
    } else {
      run_arrays(plan, statements.write, changes, last_of_each_key(plan, changes));
    }
  } catch (const Error& e) {
    if (of_rows(e)) throw BadRows(e.what());
    rethrow(e);
  }
}

void PostgresSinkDatabase::copy(const Plan& plan, const SinkStatements& statements,
                                std::span<const Change> changes) {
  copy_bytes_.assign(kCopySignature);
  append_int32(copy_bytes_, 0);  // flags
  append_int32(copy_bytes_, 0);  // header extension
  CopyIn copying(*connection_, statements.copy);
  for (std::size_t at = 0; at < changes.size(); ++at) {
    append_int16(copy_bytes_, static_cast<std::int16_t>(plan.columns.size()));
    for (std::size_t i = 0; i < plan.columns.size(); ++i)
      encode_column(plan, i, changes, at, copy_bytes_);
    if (copy_bytes_.size() < kCopySentBytes) continue;
    copying.send(copy_bytes_);
    copy_bytes_.clear();
  }
  append_int16(copy_bytes_, -1);  // end
  copying.send(copy_bytes_);
  copying.finish();
}

/// Sorted by the key's bytes; of equal keys the last change.
std::span<const std::uint32_t> PostgresSinkDatabase::last_of_each_key(
    const Plan& plan, std::span<const Change> changes) {
  key_bytes_.clear();
  key_places_.clear();
  order_.resize(changes.size());
  std::iota(order_.begin(), order_.end(), 0U);
  for (std::size_t at = 0; at < changes.size(); ++at) {
    const std::size_t start = key_bytes_.size();
    for (std::size_t i = 0; i < plan.keys; ++i) encode_column(plan, i, changes, at, key_bytes_);
    key_places_.emplace_back(static_cast<std::uint32_t>(start),
                             static_cast<std::uint32_t>(key_bytes_.size() - start));
  }
  const auto key = [&](std::uint32_t at) {
    return std::string_view(key_bytes_).substr(key_places_[at].first, key_places_[at].second);
  };
  const auto before = [&](std::uint32_t a, std::uint32_t b) {
    const int order = key(a).compare(key(b));
    return order != 0 ? order < 0 : a < b;
  };
  if (!std::is_sorted(order_.begin(), order_.end(), before))
    std::sort(order_.begin(), order_.end(), before);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < order_.size(); ++i) {
    const bool replaced = i + 1 < order_.size() && key(order_[i]) == key(order_[i + 1]);
    if (!replaced) order_[kept++] = order_[i];
  }
  order_.resize(kept);
  return order_;
}

void PostgresSinkDatabase::append_row(const Plan& plan, std::size_t columns,
                                      std::span<const Change> changes, std::size_t at) {
  for (std::size_t i = 0; i < columns; ++i) encode_column(plan, i, changes, at, arrays_[i]);
}

void PostgresSinkDatabase::run_arrays(const Plan& plan, const std::string& statement,
                                      std::span<const Change> changes,
                                      std::span<const std::uint32_t> order) {
  const std::size_t columns = plan.op == Op::kDelete ? plan.keys : plan.columns.size();
  if (arrays_.size() < columns) arrays_.resize(columns);
  std::size_t rows = 0;
  for (const std::uint32_t at : order) {
    if (rows == 0) {
      for (std::size_t i = 0; i < columns; ++i) arrays_[i].assign(kArrayHeaderBytes, '\0');
    }
    append_row(plan, columns, changes, at);
    ++rows;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < columns; ++i) bytes += arrays_[i].size();
    if (bytes >= kStatementBytesMax) {
      flush_arrays(plan, statement, columns, rows);
      rows = 0;
    }
  }
  if (rows > 0) flush_arrays(plan, statement, columns, rows);
}

std::int64_t PostgresSinkDatabase::flush_arrays(const Plan& plan, const std::string& statement,
                                                std::size_t columns, std::size_t rows) {
  std::vector<std::string_view> parameters;
  for (std::size_t i = 0; i < columns; ++i) {
    put_array_header(arrays_[i], wire_type(plan.columns[i].encoding).element, rows);
    parameters.emplace_back(arrays_[i]);
  }
  return connection_->run(statement, parameters).changed();
}

void PostgresSinkDatabase::patch(const Plan& plan, const SinkStatements& statements,
                                 std::span<const Change> changes) {
  const std::size_t columns = plan.columns.size();
  if (arrays_.size() < columns) arrays_.resize(columns);
  for (std::size_t at = 0; at < changes.size(); ++at) {
    for (std::size_t i = 0; i < columns; ++i) arrays_[i].assign(kArrayHeaderBytes, '\0');
    append_row(plan, columns, changes, at);
    const bool changed =
        !statements.write.empty() && flush_arrays(plan, statements.write, columns, 1) > 0;
    if (!changed) flush_arrays(plan, statements.insert, columns, 1);
  }
}

}  // namespace penstock::postgres
