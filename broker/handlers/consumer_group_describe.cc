#include "broker/handlers/consumer_group_describe.h"

#include <memory>
#include <utility>

#include "broker/coordinator/at_group.h"
#include "broker/gather.h"
#include "broker/handlers/authorized_operations.h"
#include "broker/handlers/drop_repeats.h"

namespace penstock::broker {

using protocol::ConsumerGroupDescribeRequest;
using protocol::ConsumerGroupDescribeResponse;
using protocol::ErrorCode;

namespace {

constexpr std::int8_t kClassicMember = 0;
constexpr std::int8_t kConsumerMember = 1;

ConsumerGroupDescribeResponse::Assignment named(const Assignment& assignment,
                                                const GroupTopics& topics) {
  ConsumerGroupDescribeResponse::Assignment out;
  for (const auto& [topic, partitions] : assignment) {
    const auto name = topics.names.find(topic);
    if (name == topics.names.end()) continue;  // deleted
    out.partitions.push_back({topic, name->second, {partitions.begin(), partitions.end()}});
  }
  return out;
}

void describe(const ConsumerGroup& group, const GroupPlace& place,
              ConsumerGroupDescribeResponse::Group& to) {
  const GroupTopicsRef topics = place.coordinator->topics();
  to.state = state_name(group);
  to.epoch = group.epoch;
  to.assignment_epoch = group.assignment_epoch;
  to.assignor = assignor_of(group, place.coordinator->settings().limits.assignors.front());
  for (const auto& [id, member] : group.members) {
    ConsumerGroupDescribeResponse::Member& out = to.members.emplace_back();
    out.id = id;
    out.instance_id = member.instance_id;
    out.rack_id = member.rack_id;
    out.epoch = member.epoch;
    out.client_id = member.client_id;
    out.client_host = member.client_host;
    out.topics.assign(member.topics.begin(), member.topics.end());
    out.regex = member.regex;  // empty, not null, when there is none: as Kafka
    Assignment owned = partitions_of(member.assigned);
    for (auto& [topic, partitions] : partitions_of(member.revoking)) owned[topic].merge(partitions);
    out.assignment = named(owned, *topics);
    if (const auto target = group.targets.find(id); target != group.targets.end())
      out.target = named(target->second, *topics);
    out.type = member.classic ? kClassicMember : kConsumerMember;
  }
}

ConsumerGroupDescribeResponse::Group look_up(const std::string& id, const GroupPlace& place) {
  ConsumerGroupDescribeResponse::Group out;
  out.id = id;
  if (id.empty()) {
    out.error = ErrorCode::kInvalidGroupId;
    return out;
  }
  const auto see = [&](const Group* group) {
    if (group != nullptr && group->consumer) return describe(*group->consumer, place, out);
    out.error = ErrorCode::kGroupIdNotFound;
    out.message = group == nullptr ? "Group " + id + " not found."
                                   : "Group " + id + " is not a consumer group.";
  };
  const ErrorCode error = place.coordinator == nullptr
                              ? ErrorCode::kCoordinatorNotAvailable
                              : place.coordinator->look(place.partition, id, see);
  if (error != ErrorCode::kNone) out.error = error;
  return out;
}

ConsumerGroupDescribeResponse unsupported(const ConsumerGroupDescribeRequest& request) {
  ConsumerGroupDescribeResponse response;
  for (const auto& id : request.groups) {
    ConsumerGroupDescribeResponse::Group& group = response.groups.emplace_back();
    group.id = id;
    group.error = ErrorCode::kUnsupportedVersion;
  }
  return response;
}

}  // namespace

void handle_consumer_group_describe(RequestContext context, ConsumerGroupDescribeRequest request,
                                    Reply<ConsumerGroupDescribeResponse> reply) {
  drop_repeats(request.groups, [](std::string_view id) { return id; });
  if (request.groups.empty()) return reply(ConsumerGroupDescribeResponse());
  if (context.broker().features().group_version() < kGroupVersionConsumer)
    return reply(unsupported(request));
  auto gather = std::make_shared<Gather<ConsumerGroupDescribeResponse::Group>>(
      context.shard, request.groups.size(),
      [operations = request.include_authorized_operations,
       reply = std::move(reply)](std::vector<ConsumerGroupDescribeResponse::Group> groups) mutable {
        for (ConsumerGroupDescribeResponse::Group& group : groups) {
          if (operations && group.error == ErrorCode::kNone)
            group.authorized_operations = kGroupOperations;
        }
        ConsumerGroupDescribeResponse response;
        response.groups = std::move(groups);
        reply(response);
      });
  for (std::size_t i = 0; i < request.groups.size(); ++i) {
    at_group(context.shard, request.groups[i],
             [id = std::string(request.groups[i]), gather, i](const GroupPlace& place) {
               gather->put(i, look_up(id, place));
             });
  }
}

}  // namespace penstock::broker
