#include "broker/handlers/consumer_group_heartbeat.h"

#include <utility>

#include "broker/coordinator/at_group.h"

namespace penstock::broker {

using protocol::ConsumerGroupHeartbeatRequest;
using protocol::ConsumerGroupHeartbeatResponse;
using protocol::ErrorCode;

namespace {

bool empty(const std::optional<std::string_view>& text) { return text && text->empty(); }

/// What is wrong with the request by itself; nullptr: nothing.
const char* problem(const ConsumerGroupHeartbeatRequest& request, std::int16_t version) {
  if (request.group_id.empty()) return "GroupId is empty.";
  if (empty(request.instance_id)) return "InstanceId is empty.";
  if (empty(request.rack_id)) return "RackId is empty.";
  if (request.member_id.empty() && (version >= 1 || request.member_epoch != 0))
    return "MemberId is empty.";
  if (request.member_epoch == 0) {
    if (request.rebalance_timeout_ms == -1) return "RebalanceTimeoutMs is needed to join.";
    if (!request.owned || !request.owned->empty()) return "TopicPartitions is not empty in a join.";
    if (!request.topics && !request.regex)
      return "SubscribedTopicNames or SubscribedTopicRegex is needed to join.";
  }
  if (request.member_epoch == kLeaveStaticEpoch && !request.instance_id)
    return "InstanceId is needed to leave for a while.";
  return request.member_epoch < kLeaveStaticEpoch ? "MemberEpoch is not valid." : nullptr;
}

ConsumerHeartbeatEvent event_of(const RequestContext& context,
                                const ConsumerGroupHeartbeatRequest& request) {
  ConsumerHeartbeatEvent event;
  // Before v1 the coordinator names members.
  event.member_id = request.member_id.empty() ? Uuid::random().text() : request.member_id;
  event.epoch = request.member_epoch;
  event.instance_id = owned(request.instance_id);
  event.rack_id = owned(request.rack_id);
  event.rebalance_timeout_ms = request.rebalance_timeout_ms;
  if (request.topics) event.topics.emplace(request.topics->begin(), request.topics->end());
  event.regex = owned(request.regex);
  event.assignor = owned(request.assignor);
  if (request.owned) {
    event.owned.emplace();
    for (const protocol::ConsumerGroupTopicPartitions& topic : *request.owned)
      (*event.owned)[topic.topic_id].insert(topic.partitions.begin(), topic.partitions.end());
  }
  event.client_id = context.client_id;
  event.client_host = "/" + context.peer_address;
  return event;
}

ConsumerGroupHeartbeatResponse response_of(ConsumerHeartbeatAnswer& answer) {
  ConsumerGroupHeartbeatResponse response;
  response.error = answer.error;
  response.message = std::move(answer.message);
  if (answer.error != ErrorCode::kNone) return response;
  response.member_id = std::move(answer.member_id);
  response.member_epoch = answer.epoch;
  response.heartbeat_interval_ms = answer.heartbeat_interval_ms;
  if (!answer.assignment) return response;
  response.assignment.emplace();
  for (const auto& [topic, partitions] : *answer.assignment)
    response.assignment->partitions.push_back({topic, {partitions.begin(), partitions.end()}});
  return response;
}

}  // namespace

void handle_consumer_group_heartbeat(RequestContext context, ConsumerGroupHeartbeatRequest request,
                                     Reply<ConsumerGroupHeartbeatResponse> reply) {
  if (context.broker().features().group_version() < kGroupVersionConsumer) {
    ConsumerGroupHeartbeatResponse response;
    response.error = ErrorCode::kUnsupportedVersion;
    return reply(response);
  }
  if (const char* text = problem(request, context.version)) {
    ConsumerGroupHeartbeatResponse response;
    response.error = ErrorCode::kInvalidRequest;
    response.message = text;
    return reply(response);
  }
  ask_group<ConsumerHeartbeatAnswer>(
      context.shard, request.group_id, event_of(context, request),
      [reply = std::move(reply)](ConsumerHeartbeatAnswer& answer) mutable {
        reply(response_of(answer));
      });
}

}  // namespace penstock::broker
