#include "broker/handlers/heartbeat.h"

#include <utility>

#include "broker/coordinator/at_group.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::HeartbeatRequest;
using protocol::HeartbeatResponse;

void handle_heartbeat(RequestContext context, HeartbeatRequest request,
                      Reply<HeartbeatResponse> reply) {
  if (request.group_id.empty()) return reply({0, ErrorCode::kInvalidGroupId});
  HeartbeatEvent event;
  event.generation = request.generation;
  event.member_id = request.member_id;
  event.instance_id = owned(request.instance_id);
  ask_group<CodeAnswer>(context.shard, request.group_id, std::move(event),
                        [reply = std::move(reply)](CodeAnswer& answer) mutable {
                          reply({0, answer.error});
                        });
}

}  // namespace penstock::broker
