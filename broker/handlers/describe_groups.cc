#include "broker/handlers/describe_groups.h"

#include <memory>
#include <utility>

#include "broker/coordinator/at_group.h"
#include "broker/gather.h"
#include "broker/handlers/authorized_operations.h"
#include "broker/handlers/drop_repeats.h"

namespace penstock::broker {

using protocol::DescribeGroupsRequest;
using protocol::DescribeGroupsResponse;
using protocol::ErrorCode;

namespace {

/// A description with the bytes that its views point to.
struct Described {
  DescribeGroupsResponse::Group group;
  std::vector<std::pair<std::string, std::string>> bytes;  // metadata and assignment of each member
};

void describe(const Group& group, Described& to) {
  to.group.state = to_string(group.state);
  to.group.protocol_type = group.protocol_type.value_or("");
  const bool stable = group.state == GroupState::kStable;
  if (stable) to.group.protocol = group.protocol.value_or("");
  for (const auto& [id, member] : group.members) {
    to.group.members.push_back(
        {id, member.instance_id, member.client_id, member.client_host, {}, {}});
    const std::string* metadata = stable ? member.metadata(to.group.protocol) : nullptr;
    to.bytes.emplace_back(metadata != nullptr ? *metadata : "", member.assignment);
  }
}

Described look_up(const std::string& id, std::int16_t version, const GroupPlace& place) {
  Described out;
  out.group.id = id;
  const auto see = [&](const Group* group) {
    // Groups of the consumer protocol are ConsumerGroupDescribe's.
    if (group != nullptr && !group->consumer) return describe(*group, out);
    out.group.state = to_string(GroupState::kDead);
    if (version < 6) return;
    out.group.error = ErrorCode::kGroupIdNotFound;
    out.group.message = group == nullptr ? "Group " + id + " not found."
                                         : "Group " + id + " is not a classic group.";
  };
  const ErrorCode error = place.coordinator == nullptr
                              ? ErrorCode::kCoordinatorNotAvailable
                              : place.coordinator->look(place.partition, id, see);
  if (error != ErrorCode::kNone) out.group.error = error;
  return out;
}

}  // namespace

void handle_describe_groups(RequestContext context, DescribeGroupsRequest request,
                            Reply<DescribeGroupsResponse> reply) {
  drop_repeats(request.groups, [](std::string_view id) { return id; });
  if (request.groups.empty()) return reply(DescribeGroupsResponse());
  auto gather = std::make_shared<Gather<Described>>(
      context.shard, request.groups.size(),
      [operations = request.include_authorized_operations,
       reply = std::move(reply)](std::vector<Described> all) mutable {
        DescribeGroupsResponse response;
        for (Described& one : all) {
          for (std::size_t i = 0; i < one.bytes.size(); ++i) {
            one.group.members[i].metadata = as_bytes(one.bytes[i].first);
            one.group.members[i].assignment = as_bytes(one.bytes[i].second);
          }
          if (operations && one.group.error == ErrorCode::kNone)
            one.group.authorized_operations = kGroupOperations;
          response.groups.push_back(std::move(one.group));
        }
        reply(response);
      });
  for (std::size_t i = 0; i < request.groups.size(); ++i) {
    at_group(context.shard, request.groups[i],
             [id = std::string(request.groups[i]), version = context.version, gather,
              i](const GroupPlace& place) { gather->put(i, look_up(id, version, place)); });
  }
}

}  // namespace penstock::broker
