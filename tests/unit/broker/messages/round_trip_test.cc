#include <gtest/gtest.h>

#include <random>

#include "framework/protocol/api.h"
#include "framework/protocol/messages/alter_configs.h"
#include "framework/protocol/messages/alter_partition_reassignments.h"
#include "framework/protocol/messages/alter_replica_log_dirs.h"
#include "framework/protocol/messages/consumer_group_describe.h"
#include "framework/protocol/messages/consumer_group_heartbeat.h"
#include "framework/protocol/messages/create_partitions.h"
#include "framework/protocol/messages/create_topics.h"
#include "framework/protocol/messages/delete_groups.h"
#include "framework/protocol/messages/delete_records.h"
#include "framework/protocol/messages/delete_topics.h"
#include "framework/protocol/messages/describe_cluster.h"
#include "framework/protocol/messages/describe_configs.h"
#include "framework/protocol/messages/describe_groups.h"
#include "framework/protocol/messages/describe_log_dirs.h"
#include "framework/protocol/messages/describe_quorum.h"
#include "framework/protocol/messages/describe_topic_partitions.h"
#include "framework/protocol/messages/elect_leaders.h"
#include "framework/protocol/messages/find_coordinator.h"
#include "framework/protocol/messages/heartbeat.h"
#include "framework/protocol/messages/incremental_alter_configs.h"
#include "framework/protocol/messages/join_group.h"
#include "framework/protocol/messages/leave_group.h"
#include "framework/protocol/messages/list_config_resources.h"
#include "framework/protocol/messages/list_groups.h"
#include "framework/protocol/messages/list_partition_reassignments.h"
#include "framework/protocol/messages/offset_commit.h"
#include "framework/protocol/messages/offset_delete.h"
#include "framework/protocol/messages/offset_fetch.h"
#include "framework/protocol/messages/sync_group.h"

namespace penstock::protocol {
namespace {

/// A visitor that fills every field, null and empty ones among them, whatever the version.
class Filler {
 public:
  explicit Filler(std::uint64_t seed) : random_(seed) {}

  template <class T>
  void operator()(T& field, Versions = {}) {
    fill(field);
  }
  template <class T>
  void tagged(std::uint32_t, T& field, Versions = {}) {
    fill(field);
  }
  template <class T>
  void fill(T& field) {
    if constexpr (std::is_same_v<T, bool>) {
      field = pick(2) == 1;
    } else if constexpr (std::is_enum_v<T>) {
      field = static_cast<T>(pick(100));
    } else if constexpr (std::is_integral_v<T>) {
      field = static_cast<T>(random_());
    } else if constexpr (detail::IdType<T>) {
      fill(field.value);
    } else if constexpr (std::is_same_v<T, Uuid>) {
      fill(field.high);
      fill(field.low);
    } else if constexpr (detail::Text<T>) {
      field = text();
    } else if constexpr (std::is_same_v<T, ByteView>) {
      field = as_bytes(text());
    } else if constexpr (detail::IsVector<T>::value) {
      field.resize(pick(4));
      for (auto& item : field) fill(item);
    } else if constexpr (detail::IsOptional<T>::value) {
      field.reset();
      if (pick(3) != 0) fill(field.emplace());
    } else {
      field.fields(*this);
    }
  }

 private:
  std::size_t pick(std::size_t n) { return random_() % n; }
  std::string_view text() {
    static constexpr std::string_view kText =
        "the quick brown fox jumps over the lazy dog \xC3\xA9\xE2\x82\xAC 0123456789";
    const std::size_t from = pick(kText.size());
    return kText.substr(from, pick(kText.size() - from));
  }
  std::mt19937_64 random_;
};

template <class Message>
void round_trip(ApiKey api, std::int16_t low, std::int16_t high) {
  for (std::int16_t version = low; version <= high; ++version) {
    const bool flexible = is_flexible(api, version);
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      SCOPED_TRACE(std::string(to_string(api)) + " v" + std::to_string(version) + " seed " +
                   std::to_string(seed));
      Message filled;
      Filler(seed).fill(filled);
      std::vector<std::byte> first;
      encode(filled, first, version, flexible);
      Message read;
      const Status status = decode(read, first, version, flexible);
      ASSERT_TRUE(status.has_value()) << status.error().text;
      std::vector<std::byte> second;
      encode(read, second, version, flexible);
      ASSERT_EQ(first, second);
      // Every shorter body is refused, none is read beyond its end.
      for (std::size_t cut = 0; cut < first.size(); cut += 1 + first.size() / 64) {
        Message part;
        ASSERT_FALSE(decode(part, ByteView(first).first(cut), version, flexible).has_value());
      }
    }
  }
}

#define PENSTOCK_ROUND_TRIP(name, low, high)                \
  TEST(RoundTrip, name) {                                   \
    round_trip<name##Request>(ApiKey::k##name, low, high);  \
    round_trip<name##Response>(ApiKey::k##name, low, high); \
  }

PENSTOCK_ROUND_TRIP(AlterConfigs, 0, 2)
PENSTOCK_ROUND_TRIP(CreatePartitions, 0, 3)
PENSTOCK_ROUND_TRIP(CreateTopics, 2, 7)
PENSTOCK_ROUND_TRIP(DeleteGroups, 0, 2)
PENSTOCK_ROUND_TRIP(DeleteRecords, 0, 2)
PENSTOCK_ROUND_TRIP(DescribeCluster, 0, 2)
PENSTOCK_ROUND_TRIP(DescribeConfigs, 1, 4)
PENSTOCK_ROUND_TRIP(DescribeGroups, 0, 6)
PENSTOCK_ROUND_TRIP(DescribeQuorum, 0, 2)
PENSTOCK_ROUND_TRIP(FindCoordinator, 0, 6)
PENSTOCK_ROUND_TRIP(Heartbeat, 0, 4)
PENSTOCK_ROUND_TRIP(IncrementalAlterConfigs, 0, 1)
PENSTOCK_ROUND_TRIP(LeaveGroup, 0, 5)
PENSTOCK_ROUND_TRIP(ListGroups, 0, 5)
PENSTOCK_ROUND_TRIP(OffsetCommit, 2, 10)
PENSTOCK_ROUND_TRIP(ConsumerGroupHeartbeat, 0, 1)
PENSTOCK_ROUND_TRIP(ConsumerGroupDescribe, 0, 1)
PENSTOCK_ROUND_TRIP(OffsetDelete, 0, 0)
PENSTOCK_ROUND_TRIP(OffsetFetch, 1, 10)
PENSTOCK_ROUND_TRIP(SyncGroup, 0, 5)
PENSTOCK_ROUND_TRIP(AlterReplicaLogDirs, 1, 2)
PENSTOCK_ROUND_TRIP(DescribeLogDirs, 1, 5)
PENSTOCK_ROUND_TRIP(ElectLeaders, 0, 2)
PENSTOCK_ROUND_TRIP(AlterPartitionReassignments, 0, 1)
PENSTOCK_ROUND_TRIP(ListPartitionReassignments, 0, 0)
PENSTOCK_ROUND_TRIP(ListConfigResources, 0, 1)
PENSTOCK_ROUND_TRIP(DescribeTopicPartitions, 0, 0)

// Null is allowed in some fields only from some version on; the broker does not send it before.
TEST(RoundTrip, DeleteTopics) {
  round_trip<DeleteTopicsRequest>(ApiKey::kDeleteTopics, 1, 6);
  round_trip<DeleteTopicsResponse>(ApiKey::kDeleteTopics, 1, 6);
}
TEST(RoundTrip, JoinGroup) {
  round_trip<JoinGroupRequest>(ApiKey::kJoinGroup, 0, 9);
  round_trip<JoinGroupResponse>(ApiKey::kJoinGroup, 0, 9);
}

}  // namespace
}  // namespace penstock::protocol
