#include "broker/api_table.h"

#include <algorithm>
#include <array>

#include "broker/handlers/acls.h"
#include "broker/handlers/add_offsets_to_txn.h"
#include "broker/handlers/add_partitions_to_txn.h"
#include "broker/handlers/alter_client_quotas.h"
#include "broker/handlers/alter_configs.h"
#include "broker/handlers/alter_partition_reassignments.h"
#include "broker/handlers/alter_replica_log_dirs.h"
#include "broker/handlers/api_versions.h"
#include "broker/handlers/consumer_group_describe.h"
#include "broker/handlers/consumer_group_heartbeat.h"
#include "broker/handlers/create_partitions.h"
#include "broker/handlers/create_topics.h"
#include "broker/handlers/delegation_tokens.h"
#include "broker/handlers/delete_groups.h"
#include "broker/handlers/delete_records.h"
#include "broker/handlers/delete_topics.h"
#include "broker/handlers/describe_client_quotas.h"
#include "broker/handlers/describe_cluster.h"
#include "broker/handlers/describe_configs.h"
#include "broker/handlers/describe_groups.h"
#include "broker/handlers/describe_log_dirs.h"
#include "broker/handlers/describe_producers.h"
#include "broker/handlers/describe_quorum.h"
#include "broker/handlers/describe_topic_partitions.h"
#include "broker/handlers/describe_transactions.h"
#include "broker/handlers/describe_user_scram_credentials.h"
#include "broker/handlers/elect_leaders.h"
#include "broker/handlers/end_txn.h"
#include "broker/handlers/fetch.h"
#include "broker/handlers/find_coordinator.h"
#include "broker/handlers/heartbeat.h"
#include "broker/handlers/incremental_alter_configs.h"
#include "broker/handlers/init_producer_id.h"
#include "broker/handlers/join_group.h"
#include "broker/handlers/leave_group.h"
#include "broker/handlers/list_config_resources.h"
#include "broker/handlers/list_groups.h"
#include "broker/handlers/list_offsets.h"
#include "broker/handlers/list_partition_reassignments.h"
#include "broker/handlers/list_transactions.h"
#include "broker/handlers/metadata.h"
#include "broker/handlers/offset_commit.h"
#include "broker/handlers/offset_delete.h"
#include "broker/handlers/offset_fetch.h"
#include "broker/handlers/offset_for_leader_epoch.h"
#include "broker/handlers/produce.h"
#include "broker/handlers/sync_group.h"
#include "broker/handlers/txn_offset_commit.h"
#include "broker/handlers/update_features.h"
#include "broker/handlers/write_txn_markers.h"

namespace penstock::broker {

using protocol::ApiKey;

#define PENSTOCK_TYPED(Name, function) \
  typed<protocol::Name##Request, protocol::Name##Response, function>

namespace {
// Lowest versions are those of Kafka 4 (KIP-896), so that every client in use finds one; Produce is
// advertised lower than served.
constexpr std::array kTable = {
    Api{ApiKey::kProduce, 0, 0, 13, handle_produce},
    Api{ApiKey::kFetch, 4, 4, 18, PENSTOCK_TYPED(Fetch, handle_fetch)},
    Api{ApiKey::kListOffsets, 1, 1, 11, PENSTOCK_TYPED(ListOffsets, handle_list_offsets)},
    Api{ApiKey::kMetadata, 0, 0, 13, PENSTOCK_TYPED(Metadata, handle_metadata)},
    Api{ApiKey::kOffsetCommit, 2, 2, 10, PENSTOCK_TYPED(OffsetCommit, handle_offset_commit)},
    Api{ApiKey::kOffsetFetch, 1, 1, 10, PENSTOCK_TYPED(OffsetFetch, handle_offset_fetch)},
    Api{ApiKey::kFindCoordinator, 0, 0, 6,
        PENSTOCK_TYPED(FindCoordinator, handle_find_coordinator)},
    Api{ApiKey::kJoinGroup, 0, 0, 9, PENSTOCK_TYPED(JoinGroup, handle_join_group)},
    Api{ApiKey::kHeartbeat, 0, 0, 4, PENSTOCK_TYPED(Heartbeat, handle_heartbeat)},
    Api{ApiKey::kLeaveGroup, 0, 0, 5, PENSTOCK_TYPED(LeaveGroup, handle_leave_group)},
    Api{ApiKey::kSyncGroup, 0, 0, 5, PENSTOCK_TYPED(SyncGroup, handle_sync_group)},
    Api{ApiKey::kDescribeGroups, 0, 0, 6, PENSTOCK_TYPED(DescribeGroups, handle_describe_groups)},
    Api{ApiKey::kListGroups, 0, 0, 5, PENSTOCK_TYPED(ListGroups, handle_list_groups)},
    Api{ApiKey::kApiVersions, 0, 0, 4, PENSTOCK_TYPED(ApiVersions, handle_api_versions)},
    Api{ApiKey::kCreateTopics, 2, 2, 7, PENSTOCK_TYPED(CreateTopics, handle_create_topics)},
    Api{ApiKey::kDeleteTopics, 1, 1, 6, PENSTOCK_TYPED(DeleteTopics, handle_delete_topics)},
    Api{ApiKey::kDeleteRecords, 0, 0, 2, PENSTOCK_TYPED(DeleteRecords, handle_delete_records)},
    Api{ApiKey::kInitProducerId, 0, 0, 5, PENSTOCK_TYPED(InitProducerId, handle_init_producer_id)},
    Api{ApiKey::kOffsetForLeaderEpoch, 2, 2, 4,
        PENSTOCK_TYPED(OffsetForLeaderEpoch, handle_offset_for_leader_epoch)},
    Api{ApiKey::kAddPartitionsToTxn, 0, 0, 5,
        PENSTOCK_TYPED(AddPartitionsToTxn, handle_add_partitions_to_txn)},
    Api{ApiKey::kAddOffsetsToTxn, 0, 0, 4,
        PENSTOCK_TYPED(AddOffsetsToTxn, handle_add_offsets_to_txn)},
    Api{ApiKey::kEndTxn, 0, 0, 5, PENSTOCK_TYPED(EndTxn, handle_end_txn)},
    Api{ApiKey::kWriteTxnMarkers, 1, 1, 2,
        PENSTOCK_TYPED(WriteTxnMarkers, handle_write_txn_markers)},
    Api{ApiKey::kTxnOffsetCommit, 0, 0, 5,
        PENSTOCK_TYPED(TxnOffsetCommit, handle_txn_offset_commit)},
    Api{ApiKey::kDescribeAcls, 1, 1, 3, PENSTOCK_TYPED(DescribeAcls, handle_describe_acls)},
    Api{ApiKey::kCreateAcls, 1, 1, 3, PENSTOCK_TYPED(CreateAcls, handle_create_acls)},
    Api{ApiKey::kDeleteAcls, 1, 1, 3, PENSTOCK_TYPED(DeleteAcls, handle_delete_acls)},
    Api{ApiKey::kDescribeConfigs, 1, 1, 4,
        PENSTOCK_TYPED(DescribeConfigs, handle_describe_configs)},
    Api{ApiKey::kAlterConfigs, 0, 0, 2, PENSTOCK_TYPED(AlterConfigs, handle_alter_configs)},
    Api{ApiKey::kAlterReplicaLogDirs, 1, 1, 2,
        PENSTOCK_TYPED(AlterReplicaLogDirs, handle_alter_replica_log_dirs)},
    Api{ApiKey::kDescribeLogDirs, 1, 1, 5,
        PENSTOCK_TYPED(DescribeLogDirs, handle_describe_log_dirs)},
    Api{ApiKey::kCreatePartitions, 0, 0, 3,
        PENSTOCK_TYPED(CreatePartitions, handle_create_partitions)},
    Api{ApiKey::kCreateDelegationToken, 1, 1, 3,
        PENSTOCK_TYPED(CreateDelegationToken, handle_create_delegation_token)},
    Api{ApiKey::kRenewDelegationToken, 1, 1, 2,
        PENSTOCK_TYPED(RenewDelegationToken, handle_renew_delegation_token)},
    Api{ApiKey::kExpireDelegationToken, 1, 1, 2,
        PENSTOCK_TYPED(ExpireDelegationToken, handle_expire_delegation_token)},
    Api{ApiKey::kDescribeDelegationToken, 1, 1, 3,
        PENSTOCK_TYPED(DescribeDelegationToken, handle_describe_delegation_token)},
    Api{ApiKey::kDeleteGroups, 0, 0, 2, PENSTOCK_TYPED(DeleteGroups, handle_delete_groups)},
    Api{ApiKey::kElectLeaders, 0, 0, 2, PENSTOCK_TYPED(ElectLeaders, handle_elect_leaders)},
    Api{ApiKey::kIncrementalAlterConfigs, 0, 0, 1,
        PENSTOCK_TYPED(IncrementalAlterConfigs, handle_incremental_alter_configs)},
    Api{ApiKey::kAlterPartitionReassignments, 0, 0, 1,
        PENSTOCK_TYPED(AlterPartitionReassignments, handle_alter_partition_reassignments)},
    Api{ApiKey::kListPartitionReassignments, 0, 0, 0,
        PENSTOCK_TYPED(ListPartitionReassignments, handle_list_partition_reassignments)},
    Api{ApiKey::kOffsetDelete, 0, 0, 0, PENSTOCK_TYPED(OffsetDelete, handle_offset_delete)},
    Api{ApiKey::kDescribeClientQuotas, 0, 0, 1,
        PENSTOCK_TYPED(DescribeClientQuotas, handle_describe_client_quotas)},
    Api{ApiKey::kAlterClientQuotas, 0, 0, 1,
        PENSTOCK_TYPED(AlterClientQuotas, handle_alter_client_quotas)},
    Api{ApiKey::kDescribeUserScramCredentials, 0, 0, 0,
        PENSTOCK_TYPED(DescribeUserScramCredentials, handle_describe_user_scram_credentials)},
    Api{ApiKey::kDescribeQuorum, 0, 0, 2, PENSTOCK_TYPED(DescribeQuorum, handle_describe_quorum)},
    Api{ApiKey::kUpdateFeatures, 0, 0, 2, PENSTOCK_TYPED(UpdateFeatures, handle_update_features)},
    Api{ApiKey::kDescribeCluster, 0, 0, 2,
        PENSTOCK_TYPED(DescribeCluster, handle_describe_cluster)},
    Api{ApiKey::kDescribeProducers, 0, 0, 0,
        PENSTOCK_TYPED(DescribeProducers, handle_describe_producers)},
    Api{ApiKey::kDescribeTransactions, 0, 0, 0,
        PENSTOCK_TYPED(DescribeTransactions, handle_describe_transactions)},
    Api{ApiKey::kListTransactions, 0, 0, 2,
        PENSTOCK_TYPED(ListTransactions, handle_list_transactions)},
    Api{ApiKey::kConsumerGroupHeartbeat, 0, 0, 1,
        PENSTOCK_TYPED(ConsumerGroupHeartbeat, handle_consumer_group_heartbeat)},
    Api{ApiKey::kConsumerGroupDescribe, 0, 0, 1,
        PENSTOCK_TYPED(ConsumerGroupDescribe, handle_consumer_group_describe)},
    Api{ApiKey::kListConfigResources, 0, 0, 1,
        PENSTOCK_TYPED(ListConfigResources, handle_list_config_resources)},
    Api{ApiKey::kDescribeTopicPartitions, 0, 0, 0,
        PENSTOCK_TYPED(DescribeTopicPartitions, handle_describe_topic_partitions)},
};
static_assert(std::is_sorted(kTable.begin(), kTable.end(),
                             [](const Api& a, const Api& b) { return a.key < b.key; }));
}  // namespace

#undef PENSTOCK_TYPED

std::span<const Api> api_table() { return kTable; }

const Api* find_handler(ApiKey key) {
  const auto* at = std::lower_bound(kTable.begin(), kTable.end(), key,
                                    [](const Api& api, ApiKey wanted) { return api.key < wanted; });
  return at != kTable.end() && at->key == key ? at : nullptr;
}

}  // namespace penstock::broker
