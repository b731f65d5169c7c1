#include "connectors/postgres/source.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "connectors/postgres/connection.h"
#include "connectors/postgres/cursor.h"
#include "connectors/postgres/types.h"

namespace penstock::postgres {
namespace {

using relational::Column;
using relational::SettledBound;
using relational::Table;
using relational::TableId;
using relational::TimeExpression;

template <class Call>
auto retriable(const Call& call) -> decltype(call()) {
  try {
    return call();
  } catch (const Error& e) {
    rethrow(e);
  }
}

/// Waits until nobody is left who could still commit a smaller value of a table's incrementing
/// column.
///
/// A writer locks the table before it takes a value. So whoever may still commit a value below the
/// largest one that is visible held its lock when the locks are listed afterwards; once all of
/// those have ended, all smaller values are visible.
class Settling {
 public:
  SettledBound ask(Connection& connection, const Table& table, const std::string& column) {
    Waiting& waiting = tables_[table.id];
    if (waiting.writers.empty()) {
      const Result largest = connection.execute("SELECT max(" + relational::quoted(column) +
                                                ") FROM " + table.id.quoted());
      if (largest.is_null(0, 0))
        return {SettledBound::kUpTo, std::numeric_limits<std::int64_t>::min()};
      waiting.bound = largest.integer(0, 0);
      waiting.writers = writers(connection, table.id);
    } else {
      const std::set<std::string> now = writers(connection, table.id);
      std::erase_if(waiting.writers,
                    [&](const std::string& writer) { return !now.contains(writer); });
    }
    if (!waiting.writers.empty()) return {SettledBound::kWait, 0};
    return {SettledBound::kUpTo, waiting.bound};
  }

 private:
  struct Waiting {
    std::int64_t bound = 0;
    std::set<std::string> writers;
  };

  /// Transactions that hold a lock under which the table, or a partition of it, is written.
  static std::set<std::string> writers(Connection& connection, const TableId& table) {
    const Result list = connection.execute(
        "WITH RECURSIVE family(id) AS (SELECT " + relational::literal(table.quoted()) +
        "::regclass::oid UNION SELECT i.inhrelid FROM pg_inherits i JOIN family f ON i.inhparent = "
        "f.id) "
        "SELECT DISTINCT l.virtualtransaction FROM pg_locks l JOIN family f ON l.relation = f.id "
        "WHERE l.locktype = 'relation' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid() "
        "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND "
        "l.mode IN "
        "('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')");
    std::set<std::string> out;
    for (int i = 0; i < list.rows(); ++i) out.emplace(list.text(i, 0));
    return out;
  }

  std::map<TableId, Waiting> tables_;
};

class PostgresDatabase final : public relational::Database {
 public:
  explicit PostgresDatabase(const Config& config)
      : records_(config),
        safe_(config.flag("incrementing.safe")),
        zone_(config.text("db.timezone")),
        fetch_rows_(static_cast<std::size_t>(config.number("batch.max.rows"))),
        connection_(Address(config.text("connection.url"), config.text("connection.user"),
                            config.text("connection.password"))) {
    connection_.execute(
        "SET lock_timeout TO '5s'");  // poll() must return; a lock is waited for by polling again
    if (zone_ == "UTC") return;
    try {
      connection_.execute("SET timezone TO " + relational::literal(zone_));
    } catch (const Error& e) {
      if (e.transient()) throw;
      throw std::invalid_argument("db.timezone: the server does not know " + zone_);
    }
  }

  std::vector<TableId> tables() override {
    return retriable([&] {
      // A partition's rows are its table's.
      const Result list = connection_.execute(
          "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = "
          "c.relnamespace WHERE c.relkind IN (" +
          kinds() +
          ") AND NOT c.relispartition AND n.nspname <> 'information_schema' AND n.nspname !~ "
          "'^pg_' ORDER BY 1, 2");
      std::vector<TableId> out;
      out.reserve(static_cast<std::size_t>(list.rows()));
      for (int i = 0; i < list.rows(); ++i)
        out.push_back({std::string(list.text(i, 0)), std::string(list.text(i, 1))});
      std::sort(out.begin(), out.end());
      return out;
    });
  }

  Table table(const TableId& id) override {
    return retriable([&] { return describe(id); });
  }

  Table query(const std::string& sql) override {
    return retriable([&] {
      connection_.prepare("", sql, {});
      const Result described = connection_.check(PQdescribePrepared(connection_.handle(), ""), sql);
      if (described.columns() == 0) throw std::invalid_argument("query: must be a SELECT");
      Table out;
      for (int i = 0; i < described.columns(); ++i) {
        Column column;
        column.name = PQfname(described.get(), i);
        finish(column, PQftype(described.get(), i), PQfmod(described.get(), i));
        out.columns.push_back(std::move(column));
      }
      return out;
    });
  }

  const Schema* schema(const Column& column, Context& context) override {
    return schema_of(column, records_.granularity, context);
  }

  std::string selected(const Column& column) override {
    const std::string name = relational::quoted(column.name);
    const auto kind = static_cast<Kind>(column.kind);
    const auto item = static_cast<Kind>(column.detail & 0xff);
    std::string cast;
    if (kind == Kind::kCast) cast = "::text";
    if (kind == Kind::kArray && item == Kind::kCast) cast = "::text[]";
    // The session is in db.timezone, so this reads a timestamp without a zone as one of that zone.
    if (kind == Kind::kTimestamp && zone_ != "UTC") cast = "::timestamptz";
    if (kind == Kind::kArray && item == Kind::kTimestamp && zone_ != "UTC")
      cast = "::timestamptz[]";
    return cast.empty() ? name : name + cast + " AS " + name;
  }

  TimeExpression time(std::span<const Column* const> columns) override {
    std::string list;
    for (const Column* column : columns)
      list += (list.empty() ? "" : ", ") + relational::quoted(column->name);
    if (columns.size() > 1) list = "COALESCE(" + list + ")";
    return {list, "(" + list + ")::timestamptz", 1};
  }

  std::string time_literal(const TimeExpression&, std::int64_t micros) override {
    return "TIMESTAMPTZ '" + relational::iso_text(micros, ' ') + "+00'";
  }

  std::int64_t now() override {
    return retriable([&] {
      return connection_.execute("SELECT (extract(epoch FROM now()) * 1000000)::bigint")
          .integer(0, 0);
    });
  }

  SettledBound settled(const Table& table, const std::string& column) override {
    if (!safe_) return {};
    return retriable([&] {
      if (connection_.execute("SELECT pg_is_in_recovery()").flag(0, 0)) {
        throw std::invalid_argument(
            "incrementing.safe: a standby does not know who writes; set it to false, or use the "
            "primary");
      }
      return settling_.ask(connection_, table, column);
    });
  }

  std::unique_ptr<relational::Cursor> open(const std::string& sql,
                                           std::span<const Column> columns) override {
    return retriable([&] {
      return std::make_unique<Rows>(connection_, sql, columns, records_.granularity, fetch_rows_);
    });
  }

  void interrupt() noexcept override { connection_.cancel(); }

 private:
  [[nodiscard]] std::string kinds() const {
    std::string out = "''";
    if (records_.tables) out += ", 'r', 'p', 'f'";
    if (records_.views) out += ", 'v', 'm'";
    return out;
  }

  Table describe(const TableId& id) {
    Table out;
    out.id = id;
    const std::string_view name[] = {id.schema, id.name};
    const Result list = connection_.query(
        "SELECT a.attname, a.atttypid, a.atttypmod, a.attnotnull, "
        "a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false), "
        "coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0), c.relkind "
        "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = "
        "c.relnamespace "
        "LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
        "LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary "
        "WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY "
        "a.attnum",
        name);
    for (int i = 0; i < list.rows(); ++i) {
      Column column;
      column.name = list.text(i, 0);
      column.nullable = !list.flag(i, 3);
      column.auto_increment = list.flag(i, 4);
      column.key_position = static_cast<int>(list.integer(i, 5));
      out.row_locks = list.text(i, 6) == "r" || list.text(i, 6) == "p";
      finish(column, static_cast<Oid>(list.integer(i, 1)), static_cast<int>(list.integer(i, 2)));
      out.columns.push_back(std::move(column));
    }
    return out;
  }

  struct Looked {
    TypeInfo type;
    std::string name;
  };

  void finish(Column& column, Oid oid, int modifier) {
    const Looked& looked = look_up(oid, modifier);
    column.type = looked.name;
    declare(column, looked.type, records_.numeric);
  }

  /// Types do not change while a connection lasts, except that domains and enums may be made and
  /// dropped.
  const Looked& look_up(Oid oid, int modifier) {
    const auto key = std::pair{oid, modifier};
    if (const auto found = types_.find(key); found != types_.end()) return found->second;
    Looked out;
    out.type.oid = oid;
    out.type.modifier = modifier;
    for (;;) {
      const Result type = connection_.execute(
          "SELECT t.typtype, CASE WHEN t.typsubscript = 'array_subscript_handler'::regproc THEN "
          "t.typelem ELSE 0 END, "
          "t.typbasetype, t.typtypmod, coalesce(e.typtype, ' '), format_type(t.oid, " +
          std::to_string(out.type.modifier) +
          ") FROM pg_type t LEFT JOIN pg_type e ON e.oid = t.typelem WHERE t.oid = " +
          std::to_string(out.type.oid));
      if (type.rows() == 0) throw RetriableError("a type was dropped meanwhile");
      if (out.name.empty()) out.name = type.text(0, 5);
      out.type.category = type.text(0, 0)[0];
      if (out.type.category != 'd') {
        out.type.item = static_cast<Oid>(type.integer(0, 1));
        out.type.item_category = type.text(0, 4)[0];
        break;
      }
      out.type.oid = static_cast<Oid>(type.integer(0, 2));
      out.type.modifier = static_cast<int>(type.integer(0, 3));
    }
    return types_.emplace(key, std::move(out)).first->second;
  }

  relational::RecordConfig records_;
  bool safe_;
  std::string zone_;
  std::size_t fetch_rows_;
  Connection connection_;
  Settling settling_;
  std::map<std::pair<Oid, int>, Looked> types_;
};

std::unique_ptr<relational::Database> open_database(const Config& config) {
  return retriable([&] { return std::make_unique<PostgresDatabase>(config); });
}

}  // namespace

std::unique_ptr<relational::Database> Source::connect(const Config& config) {
  return open_database(config);
}
std::unique_ptr<relational::Database> SourceConnector::connect(const Config& config) {
  return open_database(config);
}

}  // namespace penstock::postgres
