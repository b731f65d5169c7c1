#pragma once

#include <array>
#include <cstdint>
#include <string_view>

// What Apache Kafka 4.3.0 offers its clients, for docs/compatibility.md.
namespace penstock::broker {

/// One API with its stable versions, and why this broker does not speak it, where it does not.
struct KafkaApi {
  std::int16_t key;
  std::string_view name;
  std::int16_t low;
  std::int16_t high;
  std::string_view why_not = "not yet";
};

inline constexpr std::string_view kNoLogin = "nobody logs in";
inline constexpr std::string_view kOneVoter = "there is one voter, this broker, for good";
inline constexpr std::string_view kNoShare = "share groups are not there";
inline constexpr std::string_view kNoStreams = "streams groups are not there";
inline constexpr std::string_view kNoMetrics =
    "client metrics are declined; clients then send none";

inline constexpr std::array kKafkaApis = {
    KafkaApi{0, "Produce", 0, 13},
    KafkaApi{1, "Fetch", 4, 18},
    KafkaApi{2, "ListOffsets", 1, 11},
    KafkaApi{3, "Metadata", 0, 13},
    KafkaApi{8, "OffsetCommit", 2, 10},
    KafkaApi{9, "OffsetFetch", 1, 10},
    KafkaApi{10, "FindCoordinator", 0, 6},
    KafkaApi{11, "JoinGroup", 0, 9},
    KafkaApi{12, "Heartbeat", 0, 4},
    KafkaApi{13, "LeaveGroup", 0, 5},
    KafkaApi{14, "SyncGroup", 0, 5},
    KafkaApi{15, "DescribeGroups", 0, 6},
    KafkaApi{16, "ListGroups", 0, 5},
    KafkaApi{17, "SaslHandshake", 0, 1, kNoLogin},
    KafkaApi{18, "ApiVersions", 0, 4},
    KafkaApi{19, "CreateTopics", 2, 7},
    KafkaApi{20, "DeleteTopics", 1, 6},
    KafkaApi{21, "DeleteRecords", 0, 2},
    KafkaApi{22, "InitProducerId", 0, 5},
    KafkaApi{23, "OffsetForLeaderEpoch", 2, 4},
    KafkaApi{24, "AddPartitionsToTxn", 0, 5},
    KafkaApi{25, "AddOffsetsToTxn", 0, 4},
    KafkaApi{26, "EndTxn", 0, 5},
    KafkaApi{27, "WriteTxnMarkers", 1, 2},
    KafkaApi{28, "TxnOffsetCommit", 0, 5},
    KafkaApi{29, "DescribeAcls", 1, 3},
    KafkaApi{30, "CreateAcls", 1, 3},
    KafkaApi{31, "DeleteAcls", 1, 3},
    KafkaApi{32, "DescribeConfigs", 1, 4},
    KafkaApi{33, "AlterConfigs", 0, 2},
    KafkaApi{34, "AlterReplicaLogDirs", 1, 2},
    KafkaApi{35, "DescribeLogDirs", 1, 5},
    KafkaApi{36, "SaslAuthenticate", 0, 2, kNoLogin},
    KafkaApi{37, "CreatePartitions", 0, 3},
    KafkaApi{38, "CreateDelegationToken", 1, 3},
    KafkaApi{39, "RenewDelegationToken", 1, 2},
    KafkaApi{40, "ExpireDelegationToken", 1, 2},
    KafkaApi{41, "DescribeDelegationToken", 1, 3},
    KafkaApi{42, "DeleteGroups", 0, 2},
    KafkaApi{43, "ElectLeaders", 0, 2},
    KafkaApi{44, "IncrementalAlterConfigs", 0, 1},
    KafkaApi{45, "AlterPartitionReassignments", 0, 1},
    KafkaApi{46, "ListPartitionReassignments", 0, 0},
    KafkaApi{47, "OffsetDelete", 0, 0},
    KafkaApi{48, "DescribeClientQuotas", 0, 1},
    KafkaApi{49, "AlterClientQuotas", 0, 1},
    KafkaApi{50, "DescribeUserScramCredentials", 0, 0, kNoLogin},
    KafkaApi{51, "AlterUserScramCredentials", 0, 0, kNoLogin},
    KafkaApi{55, "DescribeQuorum", 0, 2},
    KafkaApi{57, "UpdateFeatures", 0, 2},
    KafkaApi{60, "DescribeCluster", 0, 2},
    KafkaApi{61, "DescribeProducers", 0, 0},
    KafkaApi{64, "UnregisterBroker", 0, 0, "there is one broker, which is never unregistered"},
    KafkaApi{65, "DescribeTransactions", 0, 0},
    KafkaApi{66, "ListTransactions", 0, 2},
    KafkaApi{68, "ConsumerGroupHeartbeat", 0, 1},
    KafkaApi{69, "ConsumerGroupDescribe", 0, 1},
    KafkaApi{71, "GetTelemetrySubscriptions", 0, 0, kNoMetrics},
    KafkaApi{72, "PushTelemetry", 0, 0, kNoMetrics},
    KafkaApi{74, "ListConfigResources", 0, 1},
    KafkaApi{75, "DescribeTopicPartitions", 0, 0},
    KafkaApi{76, "ShareGroupHeartbeat", 1, 1, kNoShare},
    KafkaApi{77, "ShareGroupDescribe", 1, 1, kNoShare},
    KafkaApi{78, "ShareFetch", 1, 2, kNoShare},
    KafkaApi{79, "ShareAcknowledge", 1, 2, kNoShare},
    KafkaApi{80, "AddRaftVoter", 0, 1, kOneVoter},
    KafkaApi{81, "RemoveRaftVoter", 0, 0, kOneVoter},
    KafkaApi{83, "InitializeShareGroupState", 0, 0, kNoShare},
    KafkaApi{84, "ReadShareGroupState", 0, 0, kNoShare},
    KafkaApi{85, "WriteShareGroupState", 0, 1, kNoShare},
    KafkaApi{86, "DeleteShareGroupState", 0, 0, kNoShare},
    KafkaApi{87, "ReadShareGroupStateSummary", 0, 1, kNoShare},
    KafkaApi{88, "StreamsGroupHeartbeat", 0, 0, kNoStreams},
    KafkaApi{89, "StreamsGroupDescribe", 0, 0, kNoStreams},
    KafkaApi{90, "DescribeShareGroupOffsets", 0, 1, kNoShare},
    KafkaApi{91, "AlterShareGroupOffsets", 0, 0, kNoShare},
    KafkaApi{92, "DeleteShareGroupOffsets", 0, 0, kNoShare},
};

struct KafkaDefault {
  std::string_view name;
  std::string_view value;
};

inline constexpr std::array kKafkaTopicSettings = {
    KafkaDefault{"cleanup.policy", "delete"},
    KafkaDefault{"compression.gzip.level", "-1"},
    KafkaDefault{"compression.lz4.level", "9"},
    KafkaDefault{"compression.type", "producer"},
    KafkaDefault{"compression.zstd.level", "3"},
    KafkaDefault{"delete.retention.ms", "86400000"},
    KafkaDefault{"file.delete.delay.ms", "60000"},
    KafkaDefault{"flush.messages", "9223372036854775807"},
    KafkaDefault{"flush.ms", "9223372036854775807"},
    KafkaDefault{"follower.replication.throttled.replicas", ""},
    KafkaDefault{"index.interval.bytes", "4096"},
    KafkaDefault{"leader.replication.throttled.replicas", ""},
    KafkaDefault{"local.retention.bytes", "-2"},
    KafkaDefault{"local.retention.ms", "-2"},
    KafkaDefault{"max.compaction.lag.ms", "9223372036854775807"},
    KafkaDefault{"max.message.bytes", "1048588"},
    KafkaDefault{"message.timestamp.after.max.ms", "3600000"},
    KafkaDefault{"message.timestamp.before.max.ms", "9223372036854775807"},
    KafkaDefault{"message.timestamp.type", "CreateTime"},
    KafkaDefault{"min.cleanable.dirty.ratio", "0.5"},
    KafkaDefault{"min.compaction.lag.ms", "0"},
    KafkaDefault{"min.insync.replicas", "1"},
    KafkaDefault{"preallocate", "false"},
    KafkaDefault{"remote.log.copy.disable", "false"},
    KafkaDefault{"remote.log.delete.on.disable", "false"},
    KafkaDefault{"remote.storage.enable", "false"},
    KafkaDefault{"retention.bytes", "-1"},
    KafkaDefault{"retention.ms", "604800000"},
    KafkaDefault{"segment.bytes", "1073741824"},
    KafkaDefault{"segment.index.bytes", "10485760"},
    KafkaDefault{"segment.jitter.ms", "0"},
    KafkaDefault{"segment.ms", "604800000"},
    KafkaDefault{"unclean.leader.election.enable", "false"},
};

}  // namespace penstock::broker
