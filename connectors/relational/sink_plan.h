#pragma once
// How the records of one shape become rows of one table, and what a database must do for a sink.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/relational/identifiers.h"
#include "penstock/plugin.h"

namespace penstock::relational {

struct SinkColumn {
  std::string name;
  std::string type;             // as the database writes it
  std::string bare_type;        // without length or precision, where the database needs it
  int kind = 0;                 // the database's own: how a value is stored
  std::int32_t length_max = 0;  // characters; 0: no limit
  bool not_null = false;
};

struct SinkTable {
  TableId id;
  std::vector<SinkColumn> columns;               // those that can be written
  std::vector<std::vector<std::string>> unique;  // primary key and unique constraints
};

enum class Logical : std::uint8_t { kNone, kDecimal, kDate, kTime, kTimestamp, kSqliteAny };
Logical logical_of(const Schema* schema);

enum class From : std::uint8_t { kTopic, kPartition, kOffset, kKey, kKeyField, kValueField };

struct PlanColumn {
  SinkColumn column;
  From from = From::kValueField;
  std::uint32_t index = 0;         // of the item in the key or value
  const Schema* schema = nullptr;  // nullptr: schema-less
  Logical logical = Logical::kNone;
  std::int32_t scale = 0;  // of a Decimal
  bool is_key = false;
  int encoding = 0;  // the database's own
};

/// Sets what `schema` says of the values: the logical type, and a Decimal's scale. Throws BadShape
/// for a Decimal without a usable one.
void take_logical(PlanColumn& column, const Schema* schema);

/// kPatch: some fields are absent. An UPDATE of the others, and an INSERT when there is no such
/// row.
enum class Op : std::uint8_t { kInsert, kUpsert, kUpdate, kPatch, kDelete };

/// What a database keeps for a plan: its statements.
struct PlanStatements {
  virtual ~PlanStatements() = default;
};

struct Plan {
  SinkTable* table = nullptr;
  Op op = Op::kInsert;
  std::vector<PlanColumn> columns;  // key columns first
  std::size_t keys = 0;
  std::unique_ptr<PlanStatements> statements;

  /// Which records it is for: topic, schemas, and names of fields where there is no schema, and
  /// which are absent.
  std::string topic;
  const Schema* key_schema = nullptr;
  const Schema* value_schema = nullptr;
  Type key_type = Type::kNull;
  Type value_type = Type::kNull;
  std::vector<std::string> key_names;    // of a kMap
  std::vector<std::string> value_names;  // of a kMap
  std::vector<bool> absent;              // of a kStruct or kMap value
  [[nodiscard]] bool fits(const Record& record) const;
};

inline Value plan_value(const PlanColumn& column, const Record& record) {
  switch (column.from) {
    case From::kValueField:
      return record.value.items[column.index];
    case From::kKeyField:
      return record.key.items[column.index];
    case From::kKey:
      return record.key;
    case From::kTopic:
      return Value::string(record.topic);
    case From::kPartition:
      return Value::integer(record.partition, Type::kInt32);
    case From::kOffset:
      return Value::integer(record.offset);
  }
  return {};
}

/// One record to write; `index` is its place in put()'s span.
struct Change {
  const Record* record = nullptr;
  std::size_t index = 0;
};

/// A value does not fit its column; says why, and nothing of where.
struct Misfit : std::runtime_error {
  using runtime_error::runtime_error;
};
/// change `at` of a write() cannot be stored.
struct BadRow : std::runtime_error {
  BadRow(std::size_t i, const std::string& text) : runtime_error(text), at(i) {}
  std::size_t at;
};
/// Some change of a write() cannot be stored, and the database does not say which. Nothing of that
/// write() is.
struct BadRows : std::runtime_error {
  using runtime_error::runtime_error;
};
/// Records of this shape cannot be stored in their table.
struct BadShape : std::runtime_error {
  using runtime_error::runtime_error;
};

/// table "flights", column "dep_time", key {id=5}: text
std::string located(const Plan& plan, const PlanColumn* column, const Record& record,
                    std::string_view text);

/// A row of kOffsetsTable.
struct OffsetKey {
  std::string_view connector;
  std::string_view cluster;
  std::string_view topic;
  std::int32_t partition = 0;
};

struct StoredOffset {
  std::int64_t next_offset = -1;  // -1: nothing stored yet
  std::int64_t epoch = 0;
  std::string topic_id;  // of the topic that next_offset is of; "" not known
};

enum class Durability : std::uint8_t {
  kFast,     // survives a crash of this process; of the machine only after a later kDurable commit
  kDurable,  // survives a crash of the machine
};

/// The database's side. Every call throws RetriableError when the database is busy, full or gone,
/// and std::runtime_error when it is not usable; then the transaction is rolled back by rollback().
/// The task's thread, except interrupt().
class SinkDatabase {
 public:
  virtual ~SinkDatabase() = default;
  [[nodiscard]] virtual bool connected() const = 0;
  /// Drops a lost connection first. All plans' statements must be gone.
  virtual void connect() = 0;
  /// Any thread.
  virtual void interrupt() noexcept = 0;

  virtual void begin(Durability durability) = 0;
  virtual void commit() = 0;
  virtual void rollback() noexcept = 0;
  virtual void savepoint() = 0;
  virtual void rollback_to_savepoint() = 0;
  virtual void release_savepoint() = 0;

  /// Inside a transaction: no other task changes tables until it ends.
  virtual void lock_tables() = 0;
  virtual void execute(const std::string& sql) = 0;
  /// Empty when there is no such table. Throws std::runtime_error when it is not one that may be
  /// written.
  virtual std::optional<SinkTable> describe(const TableId& id) = 0;
  /// The type of a new column. Throws BadShape when there is none.
  virtual std::string column_type(const Schema& schema, bool is_key) = 0;
  [[nodiscard]] virtual bool same_name(std::string_view a, std::string_view b) const {
    return a == b;
  }
  /// Throws BadShape when `name` cannot be a table or column of its own.
  virtual void check_name(std::string_view name) const { static_cast<void>(name); }
  /// Chooses the encoding. Throws BadShape when no value of this schema fits the column.
  virtual void choose(PlanColumn& column) = 0;
  virtual void prepare(Plan& plan) = 0;
  /// Throws BadRow or BadRows.
  virtual void write(Plan& plan, std::span<const Change> changes) = 0;

  virtual StoredOffset take_epoch(const OffsetKey& key) = 0;
  virtual StoredOffset read_offset(const OffsetKey& key) = 0;
  /// False when `at.epoch` is no longer the partition's.
  virtual bool store_offset(const OffsetKey& key, const StoredOffset& at) = 0;
  /// Replaces next_offset and topic_id, after take_epoch() in the same transaction.
  virtual void store_topic(const OffsetKey& key, const StoredOffset& at) = 0;
};

inline constexpr std::string_view kOffsetsTable = "__penstock_offsets";

}  // namespace penstock::relational
