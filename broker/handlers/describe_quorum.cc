#include "broker/handlers/describe_quorum.h"

#include <string_view>
#include <utility>

namespace penstock::broker {

using protocol::DescribeQuorumRequest;
using protocol::DescribeQuorumResponse;
using protocol::ErrorCode;

namespace {

constexpr std::string_view kMetadataTopic = "__cluster_metadata";
constexpr std::int32_t kFirstEpoch = 1;  // nobody else ever led

/// Kafka describes its one partition, and nothing when anything else is asked for beside it.
bool asks_for_metadata(const DescribeQuorumRequest& request) {
  return request.topics.size() == 1 && request.topics[0].name == kMetadataTopic &&
         request.topics[0].partitions.size() == 1 && request.topics[0].partitions[0].index == 0;
}

DescribeQuorumResponse refuse_all(const DescribeQuorumRequest& request) {
  DescribeQuorumResponse response;
  response.error_text = "";
  for (const DescribeQuorumRequest::Topic& topic : request.topics) {
    DescribeQuorumResponse::Topic& out = response.topics.emplace_back();
    out.name = topic.name;
    for (const DescribeQuorumRequest::Partition& partition : topic.partitions) {
      DescribeQuorumResponse::Partition& refused = out.partitions.emplace_back();
      refused.index = partition.index;
      refused.error = ErrorCode::kUnknownTopicOrPartition;
      refused.error_text = "This server does not host this topic-partition.";
    }
  }
  return response;
}

/// Control thread.
DescribeQuorumResponse describe(Broker& broker) {
  DescribeQuorumResponse response;
  const auto revision = broker.topic_admin().revision();
  if (!revision) {
    response.error = ErrorCode::kStorageError;
    response.error_text = revision.error().text;
    return response;
  }
  const std::int32_t self = broker.settings().node_id.value;
  const std::int64_t now_ms = broker.clock().wall_ms();
  response.error_text = "";
  DescribeQuorumResponse::Topic& topic = response.topics.emplace_back();
  topic.name = kMetadataTopic;
  DescribeQuorumResponse::Partition& partition = topic.partitions.emplace_back();
  partition.error_text = "";
  partition.leader_id = self;
  partition.leader_epoch = kFirstEpoch;
  partition.high_watermark = *revision;
  DescribeQuorumResponse::Replica& voter = partition.voters.emplace_back();
  voter.id = self;
  voter.log_end_offset = *revision;
  voter.last_fetch_ms = now_ms;
  voter.last_caught_up_ms = now_ms;
  response.nodes.push_back({self, {}});
  return response;
}

}  // namespace

void handle_describe_quorum(RequestContext context, DescribeQuorumRequest request,
                            Reply<DescribeQuorumResponse> reply) {
  if (!asks_for_metadata(request)) return reply(refuse_all(request));
  Broker& broker = context.broker();
  broker.control().post([&broker, reply = std::move(reply)]() mutable { reply(describe(broker)); });
}

}  // namespace penstock::broker
