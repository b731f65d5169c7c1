#include "connectors/postgres/sink_database.h"

#include "connectors/postgres/sink_encode.h"
#include "connectors/postgres/sink_sql.h"
#include "connectors/relational/sink_value.h"

namespace penstock::postgres {

using relational::BadRows;
using relational::BadShape;
using relational::Logical;
using relational::OffsetKey;
using relational::Op;
using relational::Plan;
using relational::quoted;
using relational::SinkColumn;
using relational::SinkTable;
using relational::StoredOffset;
using relational::TableId;

namespace {

constexpr std::size_t kNameBytesMax = 63;
constexpr std::uint32_t kTextOid = 25;
constexpr std::uint32_t kInt4Oid = 23;
constexpr std::uint32_t kInt8Oid = 20;
constexpr int kLengthHeader = 4;  // atttypmod of character types is the length and this
constexpr const char* kStoreOffset = "penstock_store_offset";

/// pg_catalog is searched first by PostgreSQL and never meant by a topic's name.
constexpr const char* kFindTable =
    "SELECT c.oid, n.nspname, c.relkind FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
    "ON n.oid = c.relnamespace "
    "WHERE c.relname = $1 AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "
    "AND CASE WHEN $2 = '' THEN n.nspname = ANY (current_schemas(false)) ELSE n.nspname = $2 END "
    "AND c.relkind IN ('r', 'p', 'v', 'm', 'f') "
    "ORDER BY array_position(current_schemas(false), n.nspname) LIMIT 1";
constexpr const char* kColumns =
    "SELECT attname, format_type(atttypid, atttypmod), format_type(atttypid, -1), attnotnull, "
    "atttypid, atttypmod "
    "FROM pg_catalog.pg_attribute WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped AND "
    "attgenerated = '' "
    "ORDER BY attnum";
constexpr const char* kUnique =
    "SELECT i.indexrelid, a.attname FROM pg_catalog.pg_index i CROSS JOIN LATERAL unnest(i.indkey) "
    "WITH ORDINALITY k(attnum, n) "
    "JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum "
    "WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid AND i.indimmediate AND "
    "i.indpred IS NULL "
    "AND i.indexprs IS NULL AND k.n <= i.indnkeyatts ORDER BY 1, k.n";

std::string offsets_where() {
  return quoted(relational::kOffsetsTable) +
         " WHERE connector = $1 AND cluster = $2 AND topic = $3 AND \"partition\" = $4";
}

}  // namespace

void PostgresSinkDatabase::connect() {
  {
    const std::lock_guard lock(connection_mutex_);
    connection_.reset();
  }
  unused_ = std::make_shared<std::vector<std::string>>();
  store_offset_prepared_ = false;
  try {
    auto fresh = std::make_unique<Connection>(address_);
    const std::lock_guard lock(connection_mutex_);
    connection_ = std::move(fresh);
  } catch (const Error& e) {
    rethrow(e);
  }
}

void PostgresSinkDatabase::interrupt() noexcept {
  const std::lock_guard lock(connection_mutex_);
  if (connection_ != nullptr) connection_->cancel();
}

void PostgresSinkDatabase::rethrow(const Error& error) const {
  // 42P01, 42703, 42804, 0A000: another program changed the table; plans are made again.
  const bool changed =
      error.is("42P01") || error.is("42703") || error.is("42804") || error.is("0A000");
  const bool in_transaction = connection_ != nullptr && connection_->in_transaction();
  if (error.is("28P01") || error.is("28000") || error.is("3D000"))
    throw std::runtime_error(error.what());
  if (error.transient() || (changed && in_transaction)) throw RetriableError(error.what());
  throw std::runtime_error(error.what());
}

void PostgresSinkDatabase::begin(relational::Durability durability) {
  std::string sql;
  for (const std::string& name : *unused_) sql += "DEALLOCATE " + name + ";";
  unused_->clear();
  sql += durability == relational::Durability::kFast ? "BEGIN;SET LOCAL synchronous_commit TO off"
                                                     : "BEGIN";
  execute(sql);
}

void PostgresSinkDatabase::commit() {
  try {
    const Result done = connection_->execute("COMMIT");
    if (std::string_view(PQcmdStatus(done.get())) != "COMMIT") {
      throw std::runtime_error(connection_->shown() +
                               ": the transaction was rolled back instead of committed");
    }
  } catch (const Error& e) {
    if (e.data()) throw BadRows(e.what());  // a deferred constraint
    rethrow(e);
  }
}

void PostgresSinkDatabase::rollback() noexcept {
  if (connection_ == nullptr || !connection_->good() || !connection_->in_transaction()) return;
  PQclear(PQexec(connection_->handle(), "ROLLBACK"));
}

/// Constraints are checked at once, so that the row is known that violates one.
void PostgresSinkDatabase::savepoint() {
  execute("SET CONSTRAINTS ALL IMMEDIATE; SAVEPOINT penstock");
}
void PostgresSinkDatabase::rollback_to_savepoint() {
  execute("ROLLBACK TO penstock; RELEASE penstock");
}
void PostgresSinkDatabase::release_savepoint() { execute("RELEASE penstock"); }

void PostgresSinkDatabase::lock_tables() {
  execute("SELECT pg_advisory_xact_lock(hashtextextended('penstock tables', 0))");
}

void PostgresSinkDatabase::execute(const std::string& sql) {
  try {
    connection_->execute(sql);
  } catch (const Error& e) {
    rethrow(e);
  }
}

std::optional<SinkTable> PostgresSinkDatabase::describe(const TableId& id) {
  try {
    const std::string_view names[] = {id.name,
                                      std::string_view(id.schema.data(), id.schema.size())};
    const Result found = connection_->query(kFindTable, names);
    if (found.rows() == 0) return std::nullopt;
    const TableId full{std::string(found.text(0, 1)), id.name};
    const std::string_view kind = found.text(0, 2);
    if (kind != "r" && kind != "p")
      throw std::runtime_error(full.quoted() + " is not an ordinary or partitioned table");
    return describe_found(full, found.text(0, 0));
  } catch (const Error& e) {
    rethrow(e);
  }
}

SinkTable PostgresSinkDatabase::describe_found(const TableId& id, std::string_view oid) {
  SinkTable table{id, {}, {}};
  const std::string_view parameters[] = {oid};
  const Result columns = connection_->query(kColumns, parameters);
  for (int row = 0; row < columns.rows(); ++row) {
    SinkColumn column;
    column.name = columns.text(row, 0);
    column.type = columns.text(row, 1);
    column.bare_type = columns.text(row, 2);
    column.not_null = columns.flag(row, 3);
    column.kind = encoding_of(static_cast<std::uint32_t>(columns.integer(row, 4)));
    const bool has_length = (column.kind == kText || column.kind == kPaddedText) &&
                            columns.integer(row, 5) > kLengthHeader;
    if (has_length)
      column.length_max = static_cast<std::int32_t>(columns.integer(row, 5) - kLengthHeader);
    table.columns.push_back(std::move(column));
  }
  const Result unique = connection_->query(kUnique, parameters);
  for (int row = 0; row < unique.rows(); ++row) {
    if (row == 0 || unique.text(row, 0) != unique.text(row - 1, 0)) table.unique.emplace_back();
    table.unique.back().emplace_back(unique.text(row, 1));
  }
  return table;
}

std::string PostgresSinkDatabase::column_type(const Schema& schema, bool is_key) {
  switch (relational::logical_of(&schema)) {
    case Logical::kDecimal:
      return "NUMERIC";
    case Logical::kDate:
      return "DATE";
    case Logical::kTime:
      return "TIME";
    case Logical::kTimestamp:
      return "TIMESTAMP";
    case Logical::kSqliteAny:
      return "TEXT";
    case Logical::kNone:
      break;
  }
  switch (schema.type()) {
    case Type::kBool:
      return "BOOLEAN";
    case Type::kInt8:
    case Type::kInt16:
      return "SMALLINT";
    case Type::kInt32:
      return "INTEGER";
    case Type::kInt64:
      return "BIGINT";
    case Type::kFloat32:
      return "REAL";
    case Type::kFloat64:
      return "DOUBLE PRECISION";
    case Type::kString:
      return "TEXT";
    case Type::kBytes:
      return "BYTEA";
    case Type::kArray:
      if (schema.items() != nullptr && schema.items()->type() <= Type::kString) {
        return column_type(*schema.items(), is_key) + "[]";
      }
      [[fallthrough]];
    default:
      throw BadShape(
          "PostgreSQL tables get no column for a map, a struct or an array of such; flatten it "
          "with a transform");
  }
}

void PostgresSinkDatabase::check_name(std::string_view name) const {
  if (name.size() > kNameBytesMax) {
    throw BadShape("the name " + std::string(name) +
                   " is longer than PostgreSQL's 63 bytes, which would cut it off");
  }
}

void PostgresSinkDatabase::choose(relational::PlanColumn& column) { choose_encoding(column); }

void PostgresSinkDatabase::prepare(Plan& plan) {
  auto statements = std::make_unique<SinkStatements>(unused_);
  statements->exact_keys = true;
  bool can_copy = plan.op == Op::kInsert;
  for (const relational::PlanColumn& column : plan.columns) {
    if (column.is_key && !bytes_decide(column.encoding)) statements->exact_keys = false;
    if (column.encoding == kCast) can_copy = false;
  }
  try {
    if (can_copy) {
      statements->copy = copy_sql(plan);
    } else if (plan.op == Op::kPatch) {
      if (plan.keys < plan.columns.size())
        statements->write = prepare_array_statement(plan, update_sql(plan));
      statements->insert =
          prepare_array_statement(plan, insert_sql(plan) + " ON CONFLICT DO NOTHING");
    } else if (plan.op == Op::kInsert) {
      statements->write = prepare_array_statement(plan, insert_sql(plan));
    } else if (plan.op == Op::kUpsert) {
      statements->write = prepare_array_statement(plan, upsert_sql(plan));
    } else if (plan.op == Op::kDelete) {
      statements->write = prepare_array_statement(plan, delete_sql(plan));
    } else if (plan.keys < plan.columns.size()) {
      statements->write = prepare_array_statement(plan, update_sql(plan));
    }
  } catch (const Error& e) {
    rethrow(e);
  }
  plan.statements = std::move(statements);
}

std::string PostgresSinkDatabase::prepare_array_statement(const Plan& plan,
                                                          const std::string& sql) {
  std::vector<Oid> types;
  const std::size_t columns = plan.op == Op::kDelete ? plan.keys : plan.columns.size();
  for (std::size_t i = 0; i < columns; ++i)
    types.push_back(wire_type(plan.columns[i].encoding).array);
  std::string name = "penstock_" + std::to_string(++statements_made_);
  connection_->prepare(name, sql, types);
  return name;
}

StoredOffset PostgresSinkDatabase::take_epoch(const OffsetKey& key) {
  const std::string number = std::to_string(key.partition);
  const std::string_view parameters[] = {key.connector, key.cluster, key.topic, number};
  try {
    const Result taken =
        connection_->query("INSERT INTO " + quoted(relational::kOffsetsTable) +
                               " AS o (connector, cluster, topic, \"partition\", next_offset, "
                               "epoch) VALUES ($1, $2, $3, $4, -1, 1) "
                               "ON CONFLICT (connector, cluster, topic, \"partition\") DO UPDATE "
                               "SET epoch = o.epoch + 1 RETURNING next_offset, epoch, topic_id",
                           parameters);
    return {taken.integer(0, 0), taken.integer(0, 1), std::string(taken.text(0, 2))};
  } catch (const Error& e) {
    rethrow(e);
  }
}

StoredOffset PostgresSinkDatabase::read_offset(const OffsetKey& key) {
  const std::string number = std::to_string(key.partition);
  const std::string_view parameters[] = {key.connector, key.cluster, key.topic, number};
  try {
    const Result read = connection_->query(
        "SELECT next_offset, epoch, topic_id FROM " + offsets_where(), parameters);
    if (read.rows() == 0) return {};
    return {read.integer(0, 0), read.integer(0, 1), std::string(read.text(0, 2))};
  } catch (const Error& e) {
    rethrow(e);
  }
}

void PostgresSinkDatabase::store_topic(const OffsetKey& key, const StoredOffset& at) {
  const std::string number = std::to_string(key.partition);
  const std::string next = std::to_string(at.next_offset);
  const std::string_view parameters[] = {key.connector, key.cluster, key.topic,
                                         number,        next,        at.topic_id};
  try {
    connection_->query("UPDATE " + quoted(relational::kOffsetsTable) +
                           " SET next_offset = $5, topic_id = $6 WHERE connector = $1 AND cluster "
                           "= $2 AND topic = $3 AND \"partition\" = $4",
                       parameters);
  } catch (const Error& e) {
    rethrow(e);
  }
}

bool PostgresSinkDatabase::store_offset(const OffsetKey& key, const StoredOffset& at) {
  std::string number, next, epoch;
  append_int32(number, key.partition);
  append_int64(next, at.next_offset);
  append_int64(epoch, at.epoch);
  try {
    if (!store_offset_prepared_) {
      const Oid types[] = {kTextOid, kTextOid, kTextOid, kInt4Oid, kInt8Oid, kInt8Oid};
      connection_->prepare(
          kStoreOffset,
          "UPDATE " + quoted(relational::kOffsetsTable) +
              " SET next_offset = $5 WHERE connector = $1 AND cluster = $2 AND topic = $3 AND "
              "\"partition\" = $4 AND epoch = $6",
          types);
      store_offset_prepared_ = true;
    }
    const std::string_view parameters[] = {key.connector, key.cluster, key.topic,
                                           number,        next,        epoch};
    return connection_->run(kStoreOffset, parameters).changed() == 1;
  } catch (const Error& e) {
    rethrow(e);
  }
}

}  // namespace penstock::postgres
