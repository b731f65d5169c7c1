#include "tests/fuzz/wire_targets.h"

#include <array>

#include "framework/config/properties.h"
#include "framework/config/value.h"
#include "framework/protocol/messages/acls.h"
#include "framework/protocol/messages/add_offsets_to_txn.h"
#include "framework/protocol/messages/add_partitions_to_txn.h"
#include "framework/protocol/messages/alter_configs.h"
#include "framework/protocol/messages/alter_partition_reassignments.h"
#include "framework/protocol/messages/alter_replica_log_dirs.h"
#include "framework/protocol/messages/api_versions.h"
#include "framework/protocol/messages/client_quotas.h"
#include "framework/protocol/messages/consumer_group_describe.h"
#include "framework/protocol/messages/consumer_group_heartbeat.h"
#include "framework/protocol/messages/create_partitions.h"
#include "framework/protocol/messages/create_topics.h"
#include "framework/protocol/messages/delegation_tokens.h"
#include "framework/protocol/messages/delete_groups.h"
#include "framework/protocol/messages/delete_records.h"
#include "framework/protocol/messages/delete_topics.h"
#include "framework/protocol/messages/describe_cluster.h"
#include "framework/protocol/messages/describe_configs.h"
#include "framework/protocol/messages/describe_groups.h"
#include "framework/protocol/messages/describe_log_dirs.h"
#include "framework/protocol/messages/describe_producers.h"
#include "framework/protocol/messages/describe_quorum.h"
#include "framework/protocol/messages/describe_topic_partitions.h"
#include "framework/protocol/messages/describe_transactions.h"
#include "framework/protocol/messages/describe_user_scram_credentials.h"
#include "framework/protocol/messages/elect_leaders.h"
#include "framework/protocol/messages/end_txn.h"
#include "framework/protocol/messages/fetch.h"
#include "framework/protocol/messages/find_coordinator.h"
#include "framework/protocol/messages/heartbeat.h"
#include "framework/protocol/messages/incremental_alter_configs.h"
#include "framework/protocol/messages/init_producer_id.h"
#include "framework/protocol/messages/join_group.h"
#include "framework/protocol/messages/leave_group.h"
#include "framework/protocol/messages/list_config_resources.h"
#include "framework/protocol/messages/list_groups.h"
#include "framework/protocol/messages/list_offsets.h"
#include "framework/protocol/messages/list_partition_reassignments.h"
#include "framework/protocol/messages/list_transactions.h"
#include "framework/protocol/messages/metadata.h"
#include "framework/protocol/messages/offset_commit.h"
#include "framework/protocol/messages/offset_delete.h"
#include "framework/protocol/messages/offset_fetch.h"
#include "framework/protocol/messages/offset_for_leader_epoch.h"
#include "framework/protocol/messages/produce.h"
#include "framework/protocol/messages/sync_group.h"
#include "framework/protocol/messages/txn_offset_commit.h"
#include "framework/protocol/messages/update_features.h"
#include "framework/protocol/messages/write_txn_markers.h"
#include "framework/protocol/request_header.h"
#include "tests/fuzz/broken_rule.h"
#include "tests/unit/protocol/filler.h"

namespace penstock::fuzz {
namespace {

using protocol::ApiKey;

template <class Message>
void decode_one(ByteView body, std::int16_t version, bool flexible) {
  Message message;
  static_cast<void>(protocol::decode_front(message, body, version, flexible));
  Message whole;
  if (!protocol::decode(whole, body, version, flexible)) return;
  std::vector<std::byte> again;
  protocol::encode(whole, again, version, flexible);
  // Without the tags that nobody knows it is shorter, and so allowed less memory: it may be
  // refused.
  Message copy;
  if (!protocol::decode(copy, again, version, flexible)) return;
  std::vector<std::byte> twice;
  protocol::encode(copy, twice, version, flexible);
  if (twice != again) broken_rule("a message that was read from its own encoding encodes anew");
}
template <class Message>
std::vector<std::byte> make_one(std::uint64_t seed, std::int16_t version, bool flexible) {
  protocol::testing::Filler filler(seed);
  Message message;
  filler.fill(message);
  std::vector<std::byte> bytes;
  protocol::encode(message, bytes, version, flexible);
  return bytes;
}

#define PENSTOCK_BOTH(Name)                                               \
  WireMessage{ApiKey::k##Name, true, decode_one<protocol::Name##Request>, \
              make_one<protocol::Name##Request>},                         \
      WireMessage {                                                       \
    ApiKey::k##Name, false, decode_one<protocol::Name##Response>,         \
        make_one<protocol::Name##Response>                                \
  }

constexpr std::array kMessages = {
    PENSTOCK_BOTH(Produce),
    PENSTOCK_BOTH(Fetch),
    PENSTOCK_BOTH(ListOffsets),
    PENSTOCK_BOTH(Metadata),
    PENSTOCK_BOTH(OffsetCommit),
    PENSTOCK_BOTH(OffsetFetch),
    PENSTOCK_BOTH(FindCoordinator),
    PENSTOCK_BOTH(JoinGroup),
    PENSTOCK_BOTH(Heartbeat),
    PENSTOCK_BOTH(LeaveGroup),
    PENSTOCK_BOTH(SyncGroup),
    PENSTOCK_BOTH(DescribeGroups),
    PENSTOCK_BOTH(ListGroups),
    PENSTOCK_BOTH(ApiVersions),
    PENSTOCK_BOTH(CreateTopics),
    PENSTOCK_BOTH(DeleteTopics),
    PENSTOCK_BOTH(DeleteRecords),
    PENSTOCK_BOTH(InitProducerId),
    PENSTOCK_BOTH(OffsetForLeaderEpoch),
    PENSTOCK_BOTH(DescribeAcls),
    PENSTOCK_BOTH(CreateAcls),
    PENSTOCK_BOTH(DeleteAcls),
    PENSTOCK_BOTH(DescribeConfigs),
    PENSTOCK_BOTH(AlterConfigs),
    PENSTOCK_BOTH(CreatePartitions),
    PENSTOCK_BOTH(CreateDelegationToken),
    PENSTOCK_BOTH(RenewDelegationToken),
    PENSTOCK_BOTH(ExpireDelegationToken),
    PENSTOCK_BOTH(DescribeDelegationToken),
    PENSTOCK_BOTH(DeleteGroups),
    PENSTOCK_BOTH(IncrementalAlterConfigs),
    PENSTOCK_BOTH(OffsetDelete),
    PENSTOCK_BOTH(UpdateFeatures),
    PENSTOCK_BOTH(DescribeCluster),
    PENSTOCK_BOTH(DescribeQuorum),
    PENSTOCK_BOTH(AlterReplicaLogDirs),
    PENSTOCK_BOTH(DescribeLogDirs),
    PENSTOCK_BOTH(ElectLeaders),
    PENSTOCK_BOTH(AlterPartitionReassignments),
    PENSTOCK_BOTH(ListPartitionReassignments),
    PENSTOCK_BOTH(ListConfigResources),
    PENSTOCK_BOTH(DescribeTopicPartitions),
    PENSTOCK_BOTH(AddPartitionsToTxn),
    PENSTOCK_BOTH(AddOffsetsToTxn),
    PENSTOCK_BOTH(EndTxn),
    PENSTOCK_BOTH(WriteTxnMarkers),
    PENSTOCK_BOTH(TxnOffsetCommit),
    PENSTOCK_BOTH(DescribeProducers),
    PENSTOCK_BOTH(DescribeTransactions),
    PENSTOCK_BOTH(ListTransactions),
    PENSTOCK_BOTH(DescribeClientQuotas),
    PENSTOCK_BOTH(AlterClientQuotas),
    PENSTOCK_BOTH(DescribeUserScramCredentials),
    PENSTOCK_BOTH(ConsumerGroupHeartbeat),
    PENSTOCK_BOTH(ConsumerGroupDescribe),
};
#undef PENSTOCK_BOTH

}  // namespace

std::span<const WireMessage> wire_messages() { return kMessages; }

void wire_everywhere(ByteView frame) {
  const auto header = protocol::read_request_header(frame);
  const ByteView body = header ? frame.subspan(header->size_bytes) : frame;
  for (const WireMessage& message : kMessages) {
    for (std::int16_t version = 0; version <= kVersionMax; ++version)
      message.decode(body, version, protocol::is_flexible(message.api, version));
  }
}

void wire(ByteView frame) {
  const auto header = protocol::read_request_header(frame);
  if (!header || header->version < 0 || header->version > kVersionMax) return;
  const ByteView body = frame.subspan(header->size_bytes);
  for (const WireMessage& message : kMessages) {
    if (message.api == header->api)
      message.decode(body, header->version, protocol::is_flexible(message.api, header->version));
  }
}

void properties(ByteView text) {
  const auto map = config::parse_properties(as_text(text));
  if (!map) return;
  for (const auto& [name, value] : *map) {
    static_cast<void>(config::parse_integer(value));
    static_cast<void>(config::parse_real(value));
    static_cast<void>(config::parse_flag(value));
    static_cast<void>(config::parse_duration_ms(value));
    static_cast<void>(config::parse_bytes(value));
    for (const std::string_view item : config::parse_list(value))
      if (item != config::trim(item)) broken_rule("an item of a list has spaces around it");
  }
}

}  // namespace penstock::fuzz
