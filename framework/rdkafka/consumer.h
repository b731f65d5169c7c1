#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/error.h"
#include "framework/rdkafka/producer.h"
#include "framework/rdkafka/settings.h"

struct rd_kafka_s;
struct rd_kafka_queue_s;
struct rd_kafka_message_s;
struct rd_kafka_topic_partition_list_s;

namespace penstock::rdkafka {

struct PartitionOffset {
  static constexpr std::int64_t kNone = -1001;  // nothing stored
  static constexpr std::int64_t kBeginning = -2;
  static constexpr std::int64_t kEnd = -1;
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t offset = kNone;
};

/// What consume() gave; the views live until clear() or the destructor. The topic's characters live
/// as long as the consumer knows the topic, which is at least as long.
class MessageBatch {
 public:
  enum class Kind : std::uint8_t {
    kRecord,
    kEnd,         // partition end reached: offset is where the next record will be, control records
                  // included
    kOutOfRange,  // the position is not in the log any more, or not yet; text says so
    kTopicMissing,  // a subscribed topic is not there now
    kTransient,     // librdkafka goes on by itself
    kFatal,
  };
  struct View {
    Kind kind = Kind::kRecord;
    std::string_view topic;
    std::int32_t partition = -1;
    std::int64_t offset = -1;
    std::int64_t timestamp_ms = -1;
    std::optional<std::string_view> key;
    std::optional<std::string_view> value;
    std::string_view error;
  };

  MessageBatch() = default;
  MessageBatch(MessageBatch&&) noexcept = default;
  MessageBatch& operator=(MessageBatch&&) = delete;
  ~MessageBatch() { clear(); }
  void clear();
  /// Gives the messages from `first` on back to librdkafka.
  void truncate(std::size_t first);
  [[nodiscard]] std::size_t size() const { return messages_.size(); }
  [[nodiscard]] View view(std::size_t i) const;
  /// Replaces `out` by the headers of message `i`.
  void headers(std::size_t i, std::vector<HeaderView>& out) const;

 private:
  friend class Consumer;
  std::vector<rd_kafka_message_s*> messages_;
};

/// Called inside Consumer::consume() and close(), on that thread.
class RebalanceListener {
 public:
  virtual ~RebalanceListener() = default;
  /// Offsets are what the group stored, or kNone. What they are on return is where reading begins
  /// (kNone: where initial_offset says).
  virtual void assigned(std::vector<PartitionOffset>& partitions) = 0;
  /// Everything that was handed out of these must be stored before this returns; `lost`: somebody
  /// else may have them already.
  virtual void revoked(const std::vector<PartitionOffset>& partitions, bool lost) = 0;
  virtual void failed(const Error& error) = 0;
};

/// A group member. One thread, except commit().
class Consumer {
 public:
  /// `listener` outlives the consumer. `settings` need group.id.
  static Result<std::unique_ptr<Consumer>> open(const ClientSettings& settings,
                                                RebalanceListener& listener);
  ~Consumer();
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  /// Names, or regular expressions that begin with '^'.
  Status subscribe(const std::vector<std::string>& topics);
  /// Waits at most `wait_ms` for a first message, and `linger_ms` more for further ones. Appends at
  /// most `max`.
  void consume(MessageBatch& out, std::size_t max, int wait_ms, int linger_ms);
  Status pause(const std::vector<PartitionOffset>& partitions);
  Status resume(const std::vector<PartitionOffset>& partitions);
  /// Reads these again from these offsets; what was fetched already is dropped.
  Status seek(const std::vector<PartitionOffset>& offsets);
  /// End offset as of the last fetch, or -1. Any thread.
  [[nodiscard]] std::int64_t known_end(const std::string& topic, std::int32_t partition) const;
  /// Any thread; waits for the answer. kConflict: not ours any more; kUnavailable: no answer in
  /// time (they may be stored later), or trying again may help.
  Status commit(const std::vector<PartitionOffset>& offsets, int timeout_ms);
  /// First and end offset, as the partition's leader says now.
  Result<std::pair<std::int64_t, std::int64_t>> bounds(const std::string& topic,
                                                       std::int32_t partition, int timeout_ms);
  /// As the cluster says now; empty when it says nothing. A broker that was replaced under the same
  /// address has another one.
  Result<std::string> cluster_id(int timeout_ms);
  /// Records fetched ahead.
  [[nodiscard]] std::size_t queued() const;
  /// librdkafka 2.0.2 looks only once a second whether a full queue has room again. Asking the
  /// partition's leader for something makes it look now; costs one round trip.
  void nudge(const std::string& topic, std::int32_t partition);
  /// Leaves the group; the listener is told about what was assigned. Without a coordinator it gives
  /// up after some seconds: the group then waits for the end of the session.
  void close();

 private:
  Consumer() = default;
  static void on_rebalance(rd_kafka_s* handle, int error,
                           rd_kafka_topic_partition_list_s* partitions, void* opaque);
  void assign(rd_kafka_topic_partition_list_s* partitions);
  void revoke(rd_kafka_topic_partition_list_s* partitions);
  void fetch(MessageBatch& out, std::size_t max, int timeout_ms);

  rd_kafka_s* handle_ = nullptr;
  rd_kafka_queue_s* queue_ = nullptr;
  RebalanceListener* listener_ = nullptr;
  std::int64_t initial_offset_ = PartitionOffset::kBeginning;
  bool closed_ = false;
};

}  // namespace penstock::rdkafka
