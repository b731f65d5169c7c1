#include "framework/protocol/api.h"

#include <algorithm>
#include <array>

namespace penstock::protocol {

namespace {
constexpr std::array kApis = {
    ApiName{ApiKey::kProduce, "Produce", 9},
    ApiName{ApiKey::kFetch, "Fetch", 12},
    ApiName{ApiKey::kListOffsets, "ListOffsets", 6},
    ApiName{ApiKey::kMetadata, "Metadata", 9},
    ApiName{ApiKey::kOffsetCommit, "OffsetCommit", 8},
    ApiName{ApiKey::kOffsetFetch, "OffsetFetch", 6},
    ApiName{ApiKey::kFindCoordinator, "FindCoordinator", 3},
    ApiName{ApiKey::kJoinGroup, "JoinGroup", 6},
    ApiName{ApiKey::kHeartbeat, "Heartbeat", 4},
    ApiName{ApiKey::kLeaveGroup, "LeaveGroup", 4},
    ApiName{ApiKey::kSyncGroup, "SyncGroup", 4},
    ApiName{ApiKey::kDescribeGroups, "DescribeGroups", 5},
    ApiName{ApiKey::kListGroups, "ListGroups", 3},
    ApiName{ApiKey::kSaslHandshake, "SaslHandshake", kNeverFlexible},
    ApiName{ApiKey::kApiVersions, "ApiVersions", 3},
    ApiName{ApiKey::kCreateTopics, "CreateTopics", 5},
    ApiName{ApiKey::kDeleteTopics, "DeleteTopics", 4},
    ApiName{ApiKey::kDeleteRecords, "DeleteRecords", 2},
    ApiName{ApiKey::kInitProducerId, "InitProducerId", 2},
    ApiName{ApiKey::kOffsetForLeaderEpoch, "OffsetForLeaderEpoch", 4},
    ApiName{ApiKey::kAddPartitionsToTxn, "AddPartitionsToTxn", 3},
    ApiName{ApiKey::kAddOffsetsToTxn, "AddOffsetsToTxn", 3},
    ApiName{ApiKey::kEndTxn, "EndTxn", 3},
    ApiName{ApiKey::kWriteTxnMarkers, "WriteTxnMarkers", 1},
    ApiName{ApiKey::kTxnOffsetCommit, "TxnOffsetCommit", 3},
    ApiName{ApiKey::kDescribeAcls, "DescribeAcls", 2},
    ApiName{ApiKey::kCreateAcls, "CreateAcls", 2},
    ApiName{ApiKey::kDeleteAcls, "DeleteAcls", 2},
    ApiName{ApiKey::kDescribeConfigs, "DescribeConfigs", 4},
    ApiName{ApiKey::kAlterConfigs, "AlterConfigs", 2},
    ApiName{ApiKey::kAlterReplicaLogDirs, "AlterReplicaLogDirs", 2},
    ApiName{ApiKey::kDescribeLogDirs, "DescribeLogDirs", 2},
    ApiName{ApiKey::kSaslAuthenticate, "SaslAuthenticate", 2},
    ApiName{ApiKey::kCreatePartitions, "CreatePartitions", 2},
    ApiName{ApiKey::kCreateDelegationToken, "CreateDelegationToken", 2},
    ApiName{ApiKey::kRenewDelegationToken, "RenewDelegationToken", 2},
    ApiName{ApiKey::kExpireDelegationToken, "ExpireDelegationToken", 2},
    ApiName{ApiKey::kDescribeDelegationToken, "DescribeDelegationToken", 2},
    ApiName{ApiKey::kDeleteGroups, "DeleteGroups", 2},
    ApiName{ApiKey::kElectLeaders, "ElectLeaders", 2},
    ApiName{ApiKey::kIncrementalAlterConfigs, "IncrementalAlterConfigs", 1},
    ApiName{ApiKey::kAlterPartitionReassignments, "AlterPartitionReassignments", 0},
    ApiName{ApiKey::kListPartitionReassignments, "ListPartitionReassignments", 0},
    ApiName{ApiKey::kOffsetDelete, "OffsetDelete", kNeverFlexible},
    ApiName{ApiKey::kDescribeClientQuotas, "DescribeClientQuotas", 1},
    ApiName{ApiKey::kAlterClientQuotas, "AlterClientQuotas", 1},
    ApiName{ApiKey::kDescribeUserScramCredentials, "DescribeUserScramCredentials", 0},
    ApiName{ApiKey::kDescribeQuorum, "DescribeQuorum", 0},
    ApiName{ApiKey::kUpdateFeatures, "UpdateFeatures", 0},
    ApiName{ApiKey::kDescribeCluster, "DescribeCluster", 0},
    ApiName{ApiKey::kDescribeProducers, "DescribeProducers", 0},
    ApiName{ApiKey::kDescribeTransactions, "DescribeTransactions", 0},
    ApiName{ApiKey::kListTransactions, "ListTransactions", 0},
    ApiName{ApiKey::kConsumerGroupHeartbeat, "ConsumerGroupHeartbeat", 0},
    ApiName{ApiKey::kConsumerGroupDescribe, "ConsumerGroupDescribe", 0},
    ApiName{ApiKey::kListConfigResources, "ListConfigResources", 0},
    ApiName{ApiKey::kDescribeTopicPartitions, "DescribeTopicPartitions", 0},
};
}  // namespace

const ApiName* find_api(ApiKey key) {
  const auto* at =
      std::lower_bound(kApis.begin(), kApis.end(), key,
                       [](const ApiName& api, ApiKey wanted) { return api.key < wanted; });
  return at != kApis.end() && at->key == key ? at : nullptr;
}

std::string_view to_string(ApiKey key) {
  const ApiName* api = find_api(key);
  return api != nullptr ? api->name : "unknown";
}

bool is_flexible(ApiKey key, std::int16_t version) {
  const ApiName* api = find_api(key);
  return api != nullptr && version >= api->flexible_from;
}

}  // namespace penstock::protocol
