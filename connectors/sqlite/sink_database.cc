#include "connectors/sqlite/sink_database.h"

#include <algorithm>

#include "connectors/relational/busy.h"
#include "connectors/relational/sink_value.h"
#include "connectors/sqlite/sink_bind.h"

namespace penstock::sqlite {

using relational::BadRow;
using relational::BadShape;
using relational::Change;
using relational::Logical;
using relational::Misfit;
using relational::OffsetKey;
using relational::Op;
using relational::Plan;
using relational::quoted;
using relational::SinkColumn;
using relational::SinkTable;
using relational::StoredOffset;
using relational::TableId;

namespace {

constexpr int kExactDigitsMax = 15;  // of a NUMERIC column

/// `write` is the plan's operation; `insert` follows a kPatch that met no row.
struct Statements final : relational::PlanStatements {
  Statement write, insert;
  std::vector<int> order;  // order[i]: the column of parameter i + 1 of `write`
};

std::string list(const Plan& plan, std::size_t from, std::size_t to, std::string_view suffix,
                 std::string_view separator) {
  std::string out;
  for (std::size_t i = from; i < to; ++i) {
    if (!out.empty()) out += separator;
    out += quoted(plan.columns[i].column.name) + std::string(suffix);
  }
  return out;
}

std::string insert_sql(const Plan& plan) {
  std::string marks;
  for (std::size_t i = 0; i < plan.columns.size(); ++i) marks += i == 0 ? "?" : ",?";
  return "INSERT INTO " + plan.table->id.quoted() + " (" +
         list(plan, 0, plan.columns.size(), "", ",") + ") VALUES (" + marks + ")";
}

std::string upsert_sql(const Plan& plan) {
  std::string sets;
  for (std::size_t i = plan.keys; i < plan.columns.size(); ++i) {
    const std::string name = quoted(plan.columns[i].column.name);
    sets += (sets.empty() ? "" : ",") + name + "=excluded." + name;
  }
  return insert_sql(plan) + " ON CONFLICT (" + list(plan, 0, plan.keys, "", ",") + ") DO " +
         (sets.empty() ? "NOTHING" : "UPDATE SET " + sets);
}

/// An update without columns still says whether the row is there.
std::string update_sql(const Plan& plan) {
  const std::size_t count = plan.columns.size();
  const std::string name = quoted(plan.columns[0].column.name);
  const std::string sets =
      plan.keys == count ? name + "=" + name : list(plan, plan.keys, count, "=?", ",");
  return "UPDATE " + plan.table->id.quoted() + " SET " + sets + " WHERE " +
         list(plan, 0, plan.keys, "=?", " AND ");
}

std::string delete_sql(const Plan& plan) {
  return "DELETE FROM " + plan.table->id.quoted() + " WHERE " +
         list(plan, 0, plan.keys, "=?", " AND ");
}

/// Parameters `first` to `first` + 3.
void bind_key(Statement& statement, int first, const OffsetKey& key) {
  statement.bind_text(first, key.connector);
  statement.bind_text(first + 1, key.cluster);
  statement.bind_text(first + 2, key.topic);
  statement.bind(first + 3, static_cast<std::int64_t>(key.partition));
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

}  // namespace

void SqliteSinkDatabase::connect() {
  begin_ = Statement();
  commit_ = Statement();
  store_offset_ = Statement();
  try {
    auto fresh =
        std::make_unique<Connection>(settings_.path, Access::kCreate, settings_.busy_timeout_ms);
    Statement mode = fresh->prepare("PRAGMA journal_mode=WAL");
    wal_ = mode.step() && mode.text(0) == "wal";
    mode = Statement();
    if (!wal_)
      context_.log(LogLevel::kWarn,
                   "database " + settings_.path + ": no write-ahead log here; commits are slower");
    const std::lock_guard lock(connection_mutex_);
    connection_ = std::move(fresh);
  } catch (const Error& e) {
    rethrow(e);
  }
  synchronous_full_ = !settings_.full;
  set_synchronous(settings_.full);
  begin_ = connection_->prepare("BEGIN IMMEDIATE");
  commit_ = connection_->prepare("COMMIT");
}

void SqliteSinkDatabase::interrupt() noexcept {
  const std::lock_guard lock(connection_mutex_);
  if (connection_ != nullptr) connection_->interrupt();
}

void SqliteSinkDatabase::set_synchronous(bool full) {
  if (synchronous_full_ == full) return;
  execute(full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
  synchronous_full_ = full;
}

void SqliteSinkDatabase::begin(relational::Durability durability) {
  int moved = 0;
  sqlite3_file_control(connection_->handle(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  if (moved != 0)
    throw std::runtime_error("database " + settings_.path +
                             ": the file was removed or replaced while it was written");
  set_synchronous(!wal_ || (settings_.full && durability == relational::Durability::kDurable));
  try {
    begin_.run();
  } catch (const Error& e) {
    rethrow(e);
  }
}

void SqliteSinkDatabase::commit() {
  try {
    commit_.run();
  } catch (const Error& e) {
    rethrow(e);
  }
}

void SqliteSinkDatabase::rollback() noexcept {
  if (connection_ != nullptr && connection_->in_transaction()) {
    sqlite3_exec(connection_->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

void SqliteSinkDatabase::execute(const std::string& sql) {
  try {
    connection_->execute(sql);
  } catch (const Error& e) {
    rethrow(e);
  }
}

/// Which errors pass by themselves. A failed fsync does not: what it was for may be gone.
void SqliteSinkDatabase::rethrow(const Error& error) const {
  const int primary = error.code & 0xff;
  if (error.busy())
    throw relational::BusyError(std::string(error.what()) + "; another program holds the database");
  if (primary == SQLITE_FULL)
    throw RetriableError(std::string(error.what()) + "; the disk is full");
  const bool lasting = error.code == SQLITE_IOERR_FSYNC || error.code == SQLITE_IOERR_DIR_FSYNC;
  const bool changed_table =
      error.code == SQLITE_ERROR &&
      (std::string_view(error.what()).find("no such ") != std::string::npos ||
       std::string_view(error.what()).find("has no column") != std::string::npos);
  if ((primary == SQLITE_IOERR && !lasting) || primary == SQLITE_INTERRUPT ||
      primary == SQLITE_SCHEMA ||
      (changed_table && connection_ != nullptr && connection_->in_transaction())) {
    throw RetriableError(error.what());
  }
  throw std::runtime_error(error.what());
}

std::optional<SinkTable> SqliteSinkDatabase::describe(const TableId& id) {
  if (!id.schema.empty()) {
    throw std::runtime_error("table.name.format: SQLite has no schemas, and " + id.qualified() +
                             " names one");
  }
  try {
    Statement kind = connection_->prepare(
        "SELECT type FROM sqlite_schema WHERE name = ? COLLATE NOCASE AND type IN "
        "('table','view')");
    kind.bind_text(1, id.name);
    if (!kind.step()) return std::nullopt;
    if (kind.text(0) == "view") throw std::runtime_error(id.quoted() + " is a view, not a table");
    kind.reset();
    SinkTable table{id, {}, {}};
    std::vector<std::pair<std::int64_t, std::string>> primary;
    Statement columns = connection_->prepare(
        "SELECT name, type, \"notnull\", pk, hidden FROM pragma_table_xinfo(?)");
    columns.bind_text(1, id.name);
    while (columns.step()) {
      SinkColumn column;
      column.name = columns.text(0);
      column.type = columns.text(1);
      column.not_null = columns.integer(2) != 0;
      column.kind = kind_of(column.type);
      if (columns.integer(3) > 0) primary.emplace_back(columns.integer(3), column.name);
      const bool generated = columns.integer(4) >= 2;
      if (!generated) table.columns.push_back(std::move(column));
    }
    std::sort(primary.begin(), primary.end());
    if (!primary.empty()) {
      auto& key = table.unique.emplace_back();
      for (auto& [position, name] : primary) key.push_back(name);
    }
    Statement indexes = connection_->prepare(
        "SELECT name FROM pragma_index_list(?) WHERE \"unique\" = 1 AND partial = 0");
    indexes.bind_text(1, id.name);
    while (indexes.step()) {
      Statement parts = connection_->prepare("SELECT name FROM pragma_index_info(?)");
      parts.bind_text(1, indexes.text(0));
      std::vector<std::string> names;
      bool plain = true;
      while (parts.step()) {
        plain = plain && !parts.is_null(0);  // an expression has no name
        names.emplace_back(parts.text(0));
      }
      if (plain) table.unique.push_back(std::move(names));
    }
    return table;
  } catch (const Error& e) {
    rethrow(e);
  }
}

std::string SqliteSinkDatabase::column_type(const Schema& schema, bool) {
  switch (relational::logical_of(&schema)) {
    case Logical::kDecimal: {
      const auto precision =
          relational::integer_from_text(schema.parameter("connect.decimal.precision"));
      const auto scale = relational::integer_from_text(schema.parameter("scale"));
      const bool exact = precision && scale && *precision <= kExactDigitsMax && *scale >= 0 &&
                         *scale <= *precision;
      return exact ? "NUMERIC(" + std::to_string(*precision) + "," + std::to_string(*scale) + ")"
                   : "TEXT";
    }
    case Logical::kDate:
      return "DATE";
    case Logical::kTime:
      return "TIME";
    case Logical::kTimestamp:
      return "TIMESTAMP";
    case Logical::kSqliteAny:
      return "";
    case Logical::kNone:
      break;
  }
  switch (schema.type()) {
    case Type::kBool:
      return "BOOLEAN";
    case Type::kInt8:
    case Type::kInt16:
    case Type::kInt32:
    case Type::kInt64:
      return "INTEGER";
    case Type::kFloat32:
    case Type::kFloat64:
      return "REAL";
    case Type::kString:
      return "TEXT";
    case Type::kBytes:
      return "BLOB";
    default:
      throw BadShape(
          "SQLite has no type for an array, a map or a struct; flatten it with a transform");
  }
}

bool SqliteSinkDatabase::same_name(std::string_view a, std::string_view b) const {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

void SqliteSinkDatabase::choose(relational::PlanColumn& column) {
  if (column.schema != nullptr && column.logical != Logical::kSqliteAny)
    static_cast<void>(column_type(*column.schema, false));
}

void SqliteSinkDatabase::prepare(Plan& plan) {
  auto statements = std::make_unique<Statements>();
  const bool key_last = plan.op == Op::kUpdate || plan.op == Op::kPatch;
  const auto count = static_cast<int>(plan.columns.size());
  const auto keys = static_cast<int>(plan.keys);
  if (key_last) {
    for (int i = keys; i < count; ++i) statements->order.push_back(i);
  }
  for (int i = 0; i < (key_last || plan.op == Op::kDelete ? keys : count); ++i)
    statements->order.push_back(i);
  try {
    switch (plan.op) {
      case Op::kInsert:
        statements->write = connection_->prepare(insert_sql(plan));
        break;
      case Op::kUpsert:
        statements->write = connection_->prepare(upsert_sql(plan));
        break;
      case Op::kDelete:
        statements->write = connection_->prepare(delete_sql(plan));
        break;
      case Op::kPatch:
        statements->insert = connection_->prepare(insert_sql(plan));
        [[fallthrough]];
      case Op::kUpdate:
        statements->write = connection_->prepare(update_sql(plan));
        break;
    }
  } catch (const Error& e) {
    rethrow(e);
  }
  plan.statements = std::move(statements);
}

void SqliteSinkDatabase::write(Plan& plan, std::span<const Change> changes) {
  for (std::size_t i = 0; i < changes.size(); ++i) write_one(plan, changes[i], i);
}

void SqliteSinkDatabase::write_one(Plan& plan, const Change& change, std::size_t at) {
  const auto& statements = static_cast<const Statements&>(*plan.statements);
  const auto run = [&](sqlite3_stmt* statement, std::span<const int> order) {
    for (std::size_t i = 0; i < order.size(); ++i) {
      const relational::PlanColumn& column = plan.columns[static_cast<std::size_t>(order[i])];
      try {
        bind_value(statement, static_cast<int>(i) + 1, column,
                   relational::plan_value(column, *change.record));
      } catch (const Misfit& e) {
        throw BadRow(at, relational::located(plan, &column, *change.record, e.what()));
      }
    }
    const int code = sqlite3_step(statement);
    if (code != SQLITE_DONE) row_failed(code, statement, plan, change, at);
    sqlite3_reset(statement);
  };
  run(statements.write.get(), statements.order);
  if (plan.op != Op::kPatch || connection_->changes() != 0) return;
  std::vector<int> order;
  for (std::size_t i = 0; i < plan.columns.size(); ++i) order.push_back(static_cast<int>(i));
  run(statements.insert.get(), order);
}

void SqliteSinkDatabase::row_failed(int code, sqlite3_stmt* statement, const Plan& plan,
                                    const Change& change, std::size_t at) const {
  const std::string message = sqlite3_errmsg(connection_->handle());
  const int primary = code & 0xff;
  const bool of_row =
      primary == SQLITE_CONSTRAINT || primary == SQLITE_MISMATCH || primary == SQLITE_TOOBIG;
  try {
    connection_->fail(code, sqlite3_sql(statement));
  } catch (const Error& e) {
    sqlite3_reset(statement);
    if (of_row) throw BadRow(at, relational::located(plan, nullptr, *change.record, message));
    rethrow(e);
  }
}

StoredOffset SqliteSinkDatabase::take_epoch(const OffsetKey& key) {
  try {
    Statement take = connection_->prepare(
        "INSERT INTO " + quoted(relational::kOffsetsTable) +
        " (connector, cluster, topic, \"partition\", next_offset, epoch) VALUES (?, ?, ?, ?, -1, "
        "1) "
        "ON CONFLICT (connector, cluster, topic, \"partition\") DO UPDATE SET epoch = epoch + 1 "
        "RETURNING next_offset, epoch, topic_id");
    bind_key(take, 1, key);
    if (!take.step()) throw std::logic_error("no epoch");
    StoredOffset out{take.integer(0), take.integer(1), std::string(take.text(2))};
    take.run();
    return out;
  } catch (const Error& e) {
    rethrow(e);
  }
}

StoredOffset SqliteSinkDatabase::read_offset(const OffsetKey& key) {
  try {
    Statement read = connection_->prepare(
        "SELECT next_offset, epoch, topic_id FROM " + quoted(relational::kOffsetsTable) +
        " WHERE connector = ? AND cluster = ? AND topic = ? AND \"partition\" = ?");
    bind_key(read, 1, key);
    return read.step() ? StoredOffset{read.integer(0), read.integer(1), std::string(read.text(2))}
                       : StoredOffset{};
  } catch (const Error& e) {
    rethrow(e);
  }
}

void SqliteSinkDatabase::store_topic(const OffsetKey& key, const StoredOffset& at) {
  try {
    Statement store = connection_->prepare(
        "UPDATE " + quoted(relational::kOffsetsTable) +
        " SET next_offset = ?, topic_id = ? WHERE connector = ? AND cluster = ? AND topic = ? AND "
        "\"partition\" = ?");
    store.bind(1, at.next_offset);
    store.bind_text(2, at.topic_id);
    bind_key(store, 3, key);
    store.run();
  } catch (const Error& e) {
    rethrow(e);
  }
}

bool SqliteSinkDatabase::store_offset(const OffsetKey& key, const StoredOffset& at) {
  try {
    if (!store_offset_) {
      store_offset_ = connection_->prepare("UPDATE " + quoted(relational::kOffsetsTable) +
                                           " SET next_offset = ? WHERE connector = ? AND cluster = "
                                           "? AND topic = ? AND \"partition\" = ? "
                                           "AND epoch = ?");
    }
    store_offset_.bind(1, at.next_offset);
    bind_key(store_offset_, 2, key);
    store_offset_.bind(6, at.epoch);
    store_offset_.run();
    return connection_->changes() == 1;
  } catch (const Error& e) {
    rethrow(e);
  }
}

}  // namespace penstock::sqlite
