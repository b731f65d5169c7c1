#include "broker/handlers/leave_group.h"

#include <utility>

#include "broker/coordinator/at_group.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::LeaveGroupRequest;
using protocol::LeaveGroupResponse;

void handle_leave_group(RequestContext context, LeaveGroupRequest request,
                        Reply<LeaveGroupResponse> reply) {
  if (request.group_id.empty()) return reply({0, ErrorCode::kInvalidGroupId, {}});
  LeaveEvent event;
  if (context.version < 3) event.members.push_back({std::string(request.member_id), std::nullopt});
  for (const LeaveGroupRequest::Member& m : request.members)
    event.members.push_back({std::string(m.id), owned(m.instance_id)});
  ask_group<LeaveAnswer>(
      context.shard, request.group_id, std::move(event),
      [version = context.version, reply = std::move(reply)](LeaveAnswer& answer) mutable {
        LeaveGroupResponse response;
        response.error = answer.error;
        if (version < 3 && !answer.members.empty()) response.error = answer.members.front().error;
        for (LeaveAnswer::Who& who : answer.members) {
          response.members.push_back(
              {std::move(who.member_id), std::move(who.instance_id), who.error});
        }
        reply(response);
      });
}

}  // namespace penstock::broker
