#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "framework/connect/convert/converter.h"
#include "framework/connect/host/block.h"
#include "framework/connect/task/task_link.h"
#include "framework/rdkafka/consumer.h"

namespace penstock::connect {

using rdkafka::PartitionOffset;

/// Consumed messages and the records made of them. The records' topics and the messages live until
/// the batch is recycled.
struct SinkBatch {
  /// A message that no record could be made of.
  struct Bad {
    std::size_t before = 0;  // index of the first record behind it
    std::size_t message = 0;
    std::string_view stage;
    std::string why;
  };
  explicit SinkBatch(host::BlockLimits limits) : block(limits) {}

  host::HostBlock block;
  rdkafka::MessageBatch messages;
  std::vector<std::size_t> message_of;  // one a record
  std::vector<Bad> bad;                 // in order
  std::vector<PartitionOffset> ends;    // partition ends reached behind these messages
};

/// What the fetcher hands over, in order.
struct SinkEvent {
  enum class Kind { kBatch, kAssigned, kRevoked, kFailed };
  Kind kind = Kind::kBatch;
  std::unique_ptr<SinkBatch> batch;
  std::vector<PartitionOffset> partitions;  // kAssigned: offset is where reading begins; kRevoked
  std::vector<bool>
      committed;           // kAssigned: whether the group has stored the offset of that partition
  std::string cluster_id;  // kAssigned
  bool lost = false;
  Error error;
};

/// Keeps the group membership alive on a thread of its own while put() blocks, and converts. At
/// most kBatchesMax batches wait; beyond that partitions are paused. A rebalance waits until the
/// task has answered.
class SinkFetcher final : public rdkafka::RebalanceListener {
 public:
  static constexpr std::size_t kBatchesMax = 2;

  struct Options {
    rdkafka::ClientSettings client;
    std::vector<std::string> topics;  // as Consumer::subscribe()
    host::BlockLimits limits;
  };
  /// `converters` is used by the fetcher's thread only, and outlives it like `link` and `wake`.
  SinkFetcher(Options options, Converters& converters, TaskLink& link);
  ~SinkFetcher() override;

  /// First and end offset of a partition, asked of the cluster. Any thread, while the fetcher runs.
  Result<std::pair<std::int64_t, std::int64_t>> bounds(const std::string& topic,
                                                       std::int32_t partition);

  Status start();
  /// Leaves the group and ends the thread. A rebalance that waits for the task is told to go on.
  void close();

  /// The next event, or nullptr when none came in time.
  std::unique_ptr<SinkEvent> next(std::chrono::milliseconds wait);
  /// Answers kAssigned; offsets may differ from what was handed over.
  void assigned_handled(std::vector<PartitionOffset> partitions);
  /// Answers kRevoked: everything of these partitions is stored or given up.
  void revoked_handled() { answer({}); }
  void recycle(std::unique_ptr<SinkBatch> batch);
  /// A revocation waits: put() should not be tried for long.
  [[nodiscard]] bool revoking() const;
  [[nodiscard]] bool has_batch() const;
  void hold(bool on);

  Status commit(const std::vector<PartitionOffset>& offsets, int timeout_ms) {
    return consumer_->commit(offsets, timeout_ms);
  }
  [[nodiscard]] std::int64_t known_end(const std::string& topic, std::int32_t partition) const {
    return consumer_->known_end(topic, partition);
  }

  void assigned(std::vector<PartitionOffset>& partitions) override;
  void revoked(const std::vector<PartitionOffset>& partitions, bool lost) override;
  void failed(const Error& error) override;

 private:
  using Partition = std::pair<std::string, std::int32_t>;
  void run();
  bool closing();
  bool room(std::chrono::milliseconds wait);
  void set_paused(bool on);
  void fetch();
  void keep_flowing();
  void rewind(const rdkafka::MessageBatch& messages);
  void fill(SinkBatch& batch);
  void add_record(SinkBatch& batch, std::size_t message, const rdkafka::MessageBatch::View& view);
  void push(std::unique_ptr<SinkEvent> event);
  void answer(std::vector<PartitionOffset> partitions);
  bool wait_for_answer();
  std::unique_ptr<SinkBatch> take_batch();

  Options options_;
  Converters& converters_;
  TaskLink& link_;
  std::unique_ptr<rdkafka::Consumer> consumer_;
  std::thread thread_;

  // The fetcher's thread only.
  std::map<Partition, std::int64_t> expected_;  // next offset of each assigned partition
  std::vector<rdkafka::HeaderView> headers_;
  std::set<std::string, std::less<>> missing_;  // topics that were reported
  int rebalances_ = 0;
  bool paused_ = false;

  // Guards what follows: the queue between the fetcher's thread and the task's.
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<SinkEvent>> events_;
  std::size_t batches_ = 0;
  std::vector<std::unique_ptr<SinkBatch>> idle_;
  std::vector<PartitionOffset> answer_;
  bool waiting_ = false, answered_ = false, revoking_ = false, closing_ = false, held_ = false;
};

}  // namespace penstock::connect
