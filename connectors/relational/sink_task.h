#pragma once
// The sink that database sinks share.
//
// Transactions: a put() is one transaction (or several of batch.size records, in order) that has
// ended when put() returns, so none is ever left open and no row is lost when a later call fails. A
// record of which this task knows that it is stored is dropped when it comes again, so that an
// error half-way through repeats nothing. With exactly.once, next offsets are written in the same
// transaction under the epoch that open() took; those commits may be fast ones (Durability::kFast),
// and flush() makes them durable by one durable commit. Without it every commit is durable.

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "connectors/relational/sink_planner.h"

namespace penstock::relational {

class RelationalSink : public SinkTask {
 public:
  void start(const Config& config, SinkContext& context) final;
  void open(std::span<const TopicPartition> partitions) final;
  void put(std::span<const Record> records) final;
  void flush() final;
  void close(std::span<const TopicPartition> partitions) final;
  void stop() noexcept final;

 protected:
  /// Reads settings; does not connect.
  virtual std::unique_ptr<SinkDatabase> make_database(const Config& config,
                                                      const SinkSettings& settings,
                                                      SinkContext& context) = 0;

 private:
  struct Partition {
    std::int64_t next_offset = -1;  // stored up to here
    std::int64_t pending = -1;      // next_offset once the transaction under way is committed
    std::int64_t epoch = 0;
    bool undurable = false;
    bool anew = false;  // what was stored is of a former topic of this name
  };
  using PartitionId = std::pair<std::string, std::int32_t>;
  using Entry = std::pair<const PartitionId, Partition>;
  struct Run {
    Plan* plan = nullptr;
    std::vector<Change> changes;
  };

  void connect_with_attempts();
  void ensure_connected();
  void check_after_reconnect();
  void create_offsets_table();
  void check_offsets_table(const SinkTable& table);
  void take_over(const TopicPartition& at);
  void begin_anew(const TopicPartition& at, const StoredOffset& stored,
                  const std::string& topic_id);
  void read_from_start(const TopicPartition& at);
  void store(std::span<const Record> records, std::size_t base);
  void gather(std::span<const Record> records, std::size_t base);
  void write_transaction(bool careful);
  void write_run(Run& run, bool careful);
  void write_halves(Plan& plan, std::span<const Change> changes);
  void store_offsets();
  void take_pending(bool undurable);
  Entry& partition_of(const Record& record);
  [[nodiscard]] Run& new_run(Plan& plan);
  [[nodiscard]] OffsetKey key_of(const PartitionId& id) const {
    return {connector_, cluster_, id.first, id.second};
  }

  SinkSettings settings_;
  SinkContext* context_ = nullptr;
  std::string connector_;
  std::string cluster_;  // of all partitions that are open
  std::unique_ptr<SinkDatabase> database_;
  std::atomic<SinkDatabase*> interruptible_ = nullptr;  // stop() may come while start() runs
  std::unique_ptr<SinkPlanner> planner_;
  std::map<PartitionId, Partition> partitions_;
  Entry* last_partition_ = nullptr;
  std::vector<Run> runs_;  // the first `run_count_` are in use; the rest keep their memory
  std::size_t run_count_ = 0;
  std::map<const SinkTable*, std::size_t> open_runs_;
};

}  // namespace penstock::relational
