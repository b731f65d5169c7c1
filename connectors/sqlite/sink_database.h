#pragma once
// SQLite as a sink's database: one connection, write-ahead log, statements that are prepared once
// for each plan.
//
// With the write-ahead log, a commit under synchronous=NORMAL survives a crash of the process but
// not a power cut, and one commit under FULL makes all earlier ones durable. A Durability::kFast
// commit uses NORMAL, a kDurable one what the setting says. Where the file system cannot have a
// write-ahead log, every commit is FULL.

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "connectors/relational/sink_plan.h"
#include "connectors/sqlite/connection.h"

namespace penstock::sqlite {

struct SinkDatabaseSettings {
  std::string path;
  int busy_timeout_ms = 0;
  bool full = true;  // synchronous
};

class SqliteSinkDatabase final : public relational::SinkDatabase {
 public:
  SqliteSinkDatabase(SinkDatabaseSettings settings, Context& context)
      : settings_(std::move(settings)), context_(context) {}

  [[nodiscard]] bool connected() const override { return connection_ != nullptr; }
  void connect() override;
  void interrupt() noexcept override;
  void begin(relational::Durability durability) override;
  void commit() override;
  void rollback() noexcept override;
  void savepoint() override { execute("SAVEPOINT penstock"); }
  void rollback_to_savepoint() override { execute("ROLLBACK TO penstock; RELEASE penstock"); }
  void release_savepoint() override { execute("RELEASE penstock"); }
  void lock_tables() override {}  // BEGIN IMMEDIATE did
  void execute(const std::string& sql) override;
  std::optional<relational::SinkTable> describe(const relational::TableId& id) override;
  std::string column_type(const Schema& schema, bool is_key) override;
  [[nodiscard]] bool same_name(std::string_view a, std::string_view b) const override;
  void choose(relational::PlanColumn& column) override;
  void prepare(relational::Plan& plan) override;
  void write(relational::Plan& plan, std::span<const relational::Change> changes) override;
  relational::StoredOffset take_epoch(const relational::OffsetKey& key) override;
  relational::StoredOffset read_offset(const relational::OffsetKey& key) override;
  bool store_offset(const relational::OffsetKey& key, const relational::StoredOffset& at) override;
  void store_topic(const relational::OffsetKey& key, const relational::StoredOffset& at) override;

 private:
  void set_synchronous(bool full);
  [[noreturn]] void rethrow(const Error& error) const;
  [[noreturn]] void row_failed(int code, sqlite3_stmt* statement, const relational::Plan& plan,
                               const relational::Change& change, std::size_t at) const;
  void write_one(relational::Plan& plan, const relational::Change& change, std::size_t at);

  SinkDatabaseSettings settings_;
  Context& context_;
  std::mutex connection_mutex_;  // guards the pointer between connect() and interrupt()
  std::unique_ptr<Connection> connection_;
  bool wal_ = false;
  bool synchronous_full_ = true;
  Statement begin_, commit_, store_offset_;
};

}  // namespace penstock::sqlite
