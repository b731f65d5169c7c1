#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "framework/base/error.h"
#include "framework/base/ids.h"
#include "framework/base/unique_function.h"
#include "framework/log/log.h"
#include "framework/record/batch.h"

namespace penstock::broker {

class BrokerShard;
class Partition;
struct BrokerConfig;

/// When an acknowledgement may leave: `kOs` after the write to the page cache (Kafka's default),
/// `kAck` after fdatasync.
enum class FlushMode : std::uint8_t { kOs, kAck };

/// A topic's settings as values: broker defaults with the topic's overrides on top.
struct TopicSettings {
  log::LogConfig log;
  std::int32_t max_message_bytes = 1'048'588;
  std::int32_t min_insync_replicas = 1;
  record::TimestampType timestamp_type = record::TimestampType::kCreate;
  std::int64_t timestamp_before_max_ms = 9'223'372'036'854'775'807;
  std::int64_t timestamp_after_max_ms = 3'600'000;
  FlushMode flush = FlushMode::kOs;
  std::int64_t flush_messages = INT64_MAX;   // fewer: each acknowledgement waits for the disk
  std::int64_t flush_ms = INT64_MAX;         // a record waits at most so long for the disk
  std::optional<record::Codec> compression;  // in which batches are stored; nullopt: as they came
  bool unclean_leader_election = false;  // both mean the same: the one replica is always in sync
  bool check_compressed = true;          // walk the records of compressed batches too
};

/// Where one partition lives. Everybody may hold a handle and post to its owner; `partition` itself
/// is for the owner shard only.
struct PartitionHandle {
  std::string topic;
  Uuid topic_id;
  PartitionId index;
  LeaderEpoch leader_epoch{0};  // as opened; fixed before the handle is published
  BrokerShard* owner = nullptr;
  /// Owner shard only. Null before it was opened, when opening failed (then `offline` says why) and
  /// after it was deleted.
  std::unique_ptr<Partition> partition;
  Error offline;

  PartitionHandle();
  ~PartitionHandle();
  /// Runs `work` on the owner shard, at once if this is it. `work` takes the partition, or nullptr
  /// (see above). An exception that escapes from it ends the process, see run_handler().
  static void on_owner(const std::shared_ptr<PartitionHandle>& handle,
                       UniqueFunction<void(Partition*)> work);
};
using PartitionRef = std::shared_ptr<PartitionHandle>;

/// One topic as it was published. Immutable.
struct Topic {
  std::string name;
  Uuid id;
  bool internal = false;
  std::map<std::string, std::string> overrides;  // as the user set them
  TopicSettings settings;
  std::vector<PartitionRef> partitions;  // by index, without gaps

  /// nullptr when there is no such partition.
  [[nodiscard]] PartitionRef partition(PartitionId index) const {
    const auto at = static_cast<std::size_t>(index.value);
    return index.value >= 0 && at < partitions.size() ? partitions[at] : nullptr;
  }
};
using TopicRef = std::shared_ptr<const Topic>;

/// All topics at one moment. Immutable, so a shard reads it without asking anybody.
class Topics {
 public:
  [[nodiscard]] TopicRef find(std::string_view name) const;
  [[nodiscard]] TopicRef find(const Uuid& id) const;
  /// nullptr when there is no such topic or partition.
  [[nodiscard]] PartitionRef find(std::string_view name, PartitionId index) const;
  /// By name.
  [[nodiscard]] const std::map<std::string, TopicRef, std::less<>>& all() const { return by_name_; }

  /// The broker's settings as they are now; there once the broker is open.
  [[nodiscard]] const BrokerConfig& broker_config() const { return *broker_config_; }

  void set_broker_config(std::shared_ptr<const BrokerConfig> config) {
    broker_config_ = std::move(config);
  }
  /// Adds, or replaces the one of that name. Only before it is published.
  void put(TopicRef topic);
  void erase(std::string_view name);

 private:
  std::map<std::string, TopicRef, std::less<>> by_name_;
  std::unordered_map<Uuid, TopicRef> by_id_;
  std::shared_ptr<const BrokerConfig> broker_config_;
};

/// Kafka's rule: 1 to 249 of [a-zA-Z0-9._-], not "." or "..". The text says what is wrong.
Status check_topic_name(std::string_view name);
/// What Kafka says of UNKNOWN_TOPIC_OR_PARTITION.
inline constexpr const char* kNotHostedHere = "This server does not host this topic-partition.";
/// A topic's name in a text about each of many partitions; what is too long for a topic is cut.
[[nodiscard]] std::string name_in_text(std::string_view name);

inline constexpr std::string_view kConsumerOffsetsTopic = "__consumer_offsets";
inline constexpr std::string_view kTransactionStateTopic = "__transaction_state";
[[nodiscard]] inline bool is_internal_topic(std::string_view name) {
  return name == kConsumerOffsetsTopic || name == kTransactionStateTopic;
}

}  // namespace penstock::broker
