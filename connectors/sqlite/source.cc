#include "connectors/sqlite/source.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <utility>

#include "connectors/relational/busy.h"
#include "connectors/sqlite/connection.h"
#include "connectors/sqlite/types.h"

namespace penstock::sqlite {
namespace {

using relational::Column;
using relational::Cursor;
using relational::Table;
using relational::TableId;
using relational::TimeExpression;

// While a statement is open, writers wait (rollback journal) or the WAL file grows.
constexpr std::int64_t kHoldMsMax = 1000;

/// Runs `call`; a lock of another process becomes a RetriableError.
template <class Call>
auto retriable(const Call& call) -> decltype(call()) {
  try {
    return call();
  } catch (const Error& e) {
    if (e.busy()) throw relational::BusyError(e.what());
    if ((e.code & 0xff) == SQLITE_INTERRUPT) throw RetriableError(e.what());
    throw;
  }
}

/// The first row may take long, when rows must be sorted: it is searched for on a thread of its
/// own, and nothing else uses the connection meanwhile.
class Rows final : public Cursor {
 public:
  Rows(Connection& connection, const std::string& sql, std::span<const Column> columns,
       relational::Granularity granularity)
      : connection_(connection),
        statement_(connection, sql),
        columns_(columns.begin(), columns.end()),
        granularity_(granularity) {
    if (statement_.columns() < static_cast<int>(columns.size()))
      throw RetriableError("the columns changed meanwhile");
    first_ = std::async(std::launch::async, [this] { return statement_.step(); });
  }
  ~Rows() override {
    // An interrupt that comes before the statement runs has no effect, so it is repeated.
    while (first_.valid() && first_.wait_for(kInterruptEvery) != std::future_status::ready)
      connection_.interrupt();
  }
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  bool wait(std::chrono::steady_clock::time_point until) override {
    return !first_.valid() || first_.wait_until(until) == std::future_status::ready;
  }
  bool step() override {
    return retriable([&] { return first_.valid() ? first_.get() : statement_.step(); });
  }
  bool read(Block& block, std::span<Value> row) override {
    bool good = true;
    int at = 0;
    for (const Column& column : columns_) {
      sqlite3_value* value = sqlite3_column_value(statement_.get(), at);
      Value& out = row[static_cast<std::size_t>(at)];
      if (!convert(value, column, granularity_, block, out, why_)) {
        if (good) problem_ = {static_cast<std::size_t>(at), why_};
        out = Value::null();
        good = false;
      }
      ++at;
    }
    return good;
  }
  [[nodiscard]] const relational::BadValue& problem() const override { return problem_; }
  [[nodiscard]] std::int64_t integer(int column) const override {
    if (sqlite3_column_type(statement_.get(), column) != SQLITE_INTEGER) {
      throw std::runtime_error("incrementing.column.name: the column holds '" +
                               std::string(statement_.text(column)) + "', which is no integer");
    }
    return statement_.integer(column);
  }
  [[nodiscard]] std::int64_t time(int column) const override { return statement_.integer(column); }

 private:
  static constexpr std::chrono::milliseconds kInterruptEvery{5};

  Connection& connection_;
  Statement statement_;
  std::vector<Column> columns_;
  relational::Granularity granularity_;
  std::future<bool> first_;
  std::string why_;
  relational::BadValue problem_;
};

class SqliteDatabase final : public relational::Database {
 public:
  explicit SqliteDatabase(const Config& config)
      : records_(config),
        any_(config.text("sqlite.mixed.types") == "any"),
        connection_(path_of(config.text("connection.url")), Access::kWrite,
                    static_cast<int>(config.number("sqlite.busy.timeout.ms"))) {
    // Opened for writing only so that SQLite can undo what a writer left half done when it was
    // killed.
    connection_.execute("PRAGMA query_only = ON");
    register_time_function(connection_.handle());
  }

  std::vector<TableId> tables() override {
    return retriable([&] {
      std::vector<TableId> out;
      Statement list = connection_.prepare(
          "SELECT name, type FROM pragma_table_list WHERE schema = 'main' AND substr(name, 1, 7) "
          "<> 'sqlite_' "
          "AND type IN ('table', 'virtual', 'view') ORDER BY name");
      while (list.step()) {
        if (list.text(1) == "view" ? records_.views : records_.tables)
          out.push_back({"", std::string(list.text(0))});
      }
      return out;
    });
  }

  Table table(const TableId& id) override {
    return retriable([&] { return describe(id); });
  }

  Table query(const std::string& sql) override {
    return retriable([&] {
      const Statement statement = connection_.prepare(sql);
      if (sqlite3_stmt_readonly(statement.get()) == 0 || statement.columns() == 0) {
        throw std::invalid_argument("query: must be a SELECT");
      }
      Table out;
      for (int i = 0; i < statement.columns(); ++i) {
        Column column;
        column.name = sqlite3_column_name(statement.get(), i);
        const char* declared = sqlite3_column_decltype(statement.get(), i);
        finish(column, declared == nullptr ? "" : declared, false);
        out.columns.push_back(std::move(column));
      }
      return out;
    });
  }

  const Schema* schema(const Column& column, Context& context) override {
    return schema_of(column, records_.granularity, context);
  }

  std::string selected(const Column& column) override { return relational::quoted(column.name); }

  TimeExpression time(std::span<const Column* const> columns) override {
    std::string list;
    for (const Column* column : columns)
      list += (list.empty() ? "" : ", ") + relational::quoted(column->name);
    if (columns.size() > 1) list = "COALESCE(" + list + ")";
    const std::string call = "penstock_time(" + list + ")";
    // Numbers are compared as they are, so that an index on the column is of use.
    if (columns.size() == 1 && columns[0]->kind == static_cast<int>(Kind::kInteger))
      return {list, call, 1000};
    return {call, call, 1};
  }

  std::string time_literal(const TimeExpression& expression, std::int64_t micros) override {
    return std::to_string(relational::floor_div(micros, expression.unit));
  }

  /// CURRENT_TIMESTAMP has whole seconds: while a second lasts, rows may still get its timestamp.
  std::int64_t now() override {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::floor<std::chrono::seconds>(since).count() * relational::kMicrosPerSecond;
  }

  std::unique_ptr<Cursor> open(const std::string& sql, std::span<const Column> columns) override {
    return retriable(
        [&] { return std::make_unique<Rows>(connection_, sql, columns, records_.granularity); });
  }

  [[nodiscard]] std::int64_t hold_ms_max() const override { return kHoldMsMax; }
  void interrupt() noexcept override { connection_.interrupt(); }

 private:
  /// `enforced`: SQLite itself keeps values of other types out of the column.
  void finish(Column& column, std::string_view declared, bool enforced) const {
    relational::Column plain = column;
    declare(column, any_ && !enforced ? "" : declared, records_.numeric);
    if (!any_ || enforced) return;
    // The declared type still says what may be a position.
    declare(plain, declared, records_.numeric);
    column.type = plain.type;
    column.integer = plain.integer;
    column.temporal = plain.temporal;
  }

  Table describe(const TableId& id) {
    Table out;
    out.id = id;
    Statement kind = connection_.prepare(
        "SELECT wr, strict, type FROM pragma_table_list WHERE schema = 'main' AND name = ?");
    kind.bind_text(1, id.name);
    if (!kind.step()) return out;
    const bool with_rowid = kind.integer(0) == 0 && kind.text(2) == "table";
    const bool strict = kind.integer(1) != 0;
    const std::string row_number_column = with_rowid ? rowid_alias(id) : "";
    Statement list = connection_.prepare(
        "SELECT name, type, \"notnull\", pk FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY "
        "cid");
    list.bind_text(1, id.name);
    while (list.step()) {
      Column column;
      column.name = list.text(0);
      column.key_position = static_cast<int>(list.integer(3));
      column.auto_increment = column.name == row_number_column;
      // Only NOT NULL, the row number and keys of WITHOUT ROWID tables exclude null; other primary
      // keys do not.
      column.nullable = list.integer(2) == 0 && !column.auto_increment &&
                        (with_rowid || column.key_position == 0);
      const std::string_view declared = list.text(1);
      finish(column, declared, column.auto_increment || (strict && declared != "ANY"));
      out.columns.push_back(std::move(column));
    }
    if (with_rowid) out.row_number = free_row_number(out);
    return out;
  }

  /// The column that is the row number itself (INTEGER PRIMARY KEY), or "".
  std::string rowid_alias(const TableId& id) {
    for (const char* name : {"_rowid_", "oid", "rowid"}) {
      const Statement probe =
          connection_.prepare("SELECT " + std::string(name) + " FROM " + id.quoted());
      const char* origin = sqlite3_column_origin_name(probe.get(), 0);
      if (origin == nullptr) continue;
      std::string found = origin;
      if (found == "rowid") return "";  // the hidden one: no column is its alias
      if (sqlite3_stricmp(origin, name) != 0) return found;
    }
    return "";
  }

  static std::string free_row_number(const Table& table) {
    for (const char* name : {"rowid", "_rowid_", "oid"}) {
      const auto same = [&](const Column& column) {
        return sqlite3_stricmp(column.name.c_str(), name) == 0;
      };
      if (std::none_of(table.columns.begin(), table.columns.end(), same)) return name;
    }
    return "";
  }

  relational::RecordConfig records_;
  bool any_;
  Connection connection_;
};

std::unique_ptr<relational::Database> open_database(const Config& config) {
  return retriable([&] { return std::make_unique<SqliteDatabase>(config); });
}

}  // namespace

std::unique_ptr<relational::Database> Source::connect(const Config& config) {
  return open_database(config);
}
std::unique_ptr<relational::Database> SourceConnector::connect(const Config& config) {
  return open_database(config);
}

}  // namespace penstock::sqlite
