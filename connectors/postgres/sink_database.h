#pragma once
// PostgreSQL as a sink's database. Inserts go by COPY in binary format; upserts, updates and
// deletes as one prepared statement over UNNEST of binary arrays, rows sorted by key and each key
// once (the last one), so that tasks lock rows in one order.
//
// A Durability::kFast commit does not wait for the server's disk (synchronous_commit=off); a
// kDurable one does as the server or role is configured, and with it all earlier ones.

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "connectors/postgres/connection.h"
#include "connectors/relational/sink_plan.h"

namespace penstock::postgres {

struct SinkStatements;

class PostgresSinkDatabase final : public relational::SinkDatabase {
 public:
  explicit PostgresSinkDatabase(Address address) : address_(std::move(address)) {}

  [[nodiscard]] bool connected() const override {
    return connection_ != nullptr && connection_->good();
  }
  void connect() override;
  void interrupt() noexcept override;
  void begin(relational::Durability durability) override;
  void commit() override;
  void rollback() noexcept override;
  void savepoint() override;
  void rollback_to_savepoint() override;
  void release_savepoint() override;
  void lock_tables() override;
  void execute(const std::string& sql) override;
  std::optional<relational::SinkTable> describe(const relational::TableId& id) override;
  std::string column_type(const Schema& schema, bool is_key) override;
  void check_name(std::string_view name) const override;
  void choose(relational::PlanColumn& column) override;
  void prepare(relational::Plan& plan) override;
  void write(relational::Plan& plan, std::span<const relational::Change> changes) override;
  relational::StoredOffset take_epoch(const relational::OffsetKey& key) override;
  relational::StoredOffset read_offset(const relational::OffsetKey& key) override;
  bool store_offset(const relational::OffsetKey& key, const relational::StoredOffset& at) override;
  void store_topic(const relational::OffsetKey& key, const relational::StoredOffset& at) override;

 private:
  [[noreturn]] void rethrow(const Error& error) const;
  std::string prepare_array_statement(const relational::Plan& plan, const std::string& sql);
  void copy(const relational::Plan& plan, const SinkStatements& statements,
            std::span<const relational::Change> changes);
  void run_arrays(const relational::Plan& plan, const std::string& statement,
                  std::span<const relational::Change> changes,
                  std::span<const std::uint32_t> order);
  std::int64_t flush_arrays(const relational::Plan& plan, const std::string& statement,
                            std::size_t columns, std::size_t rows);
  void append_row(const relational::Plan& plan, std::size_t columns,
                  std::span<const relational::Change> changes, std::size_t at);
  void patch(const relational::Plan& plan, const SinkStatements& statements,
             std::span<const relational::Change> changes);
  std::span<const std::uint32_t> last_of_each_key(const relational::Plan& plan,
                                                  std::span<const relational::Change> changes);
  relational::SinkTable describe_found(const relational::TableId& id, std::string_view oid);

  Address address_;
  std::mutex connection_mutex_;  // guards the pointer between connect() and interrupt()
  std::unique_ptr<Connection> connection_;
  std::uint64_t statements_made_ = 0;
  std::shared_ptr<std::vector<std::string>> unused_;  // statements to deallocate
  bool store_offset_prepared_ = false;
  // Kept for their memory.
  std::string copy_bytes_, key_bytes_;
  std::vector<std::string> arrays_;
  std::vector<std::uint32_t> order_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>>
      key_places_;  // offset and size in key_bytes_
};

}  // namespace penstock::postgres
