#include "broker/handlers/sync_group.h"

#include <utility>

#include "broker/coordinator/at_group.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::SyncGroupRequest;
using protocol::SyncGroupResponse;

void handle_sync_group(RequestContext context, SyncGroupRequest request,
                       Reply<SyncGroupResponse> reply) {
  SyncGroupResponse refused;
  // From v5 on both must be there (KIP-559).
  if (context.version >= 5 && (!request.protocol_type || !request.protocol))
    refused.error = ErrorCode::kInconsistentGroupProtocol;
  else if (request.group_id.empty())
    refused.error = ErrorCode::kInvalidGroupId;
  if (refused.error != ErrorCode::kNone) return reply(refused);
  SyncEvent event;
  event.generation = request.generation;
  event.member_id = request.member_id;
  event.instance_id = owned(request.instance_id);
  event.protocol_type = owned(request.protocol_type);
  event.protocol = owned(request.protocol);
  for (const SyncGroupRequest::Assignment& a : request.assignments)
    event.assignments[std::string(a.member_id)] = as_text(a.assignment);
  ask_group<SyncAnswer>(context.shard, request.group_id, std::move(event),
                        [reply = std::move(reply)](SyncAnswer& answer) mutable {
                          SyncGroupResponse response;
                          response.error = answer.error;
                          response.protocol_type = std::move(answer.protocol_type);
                          response.protocol = std::move(answer.protocol);
                          response.assignment = as_bytes(answer.assignment);
                          reply(response);
                        });
}

}  // namespace penstock::broker
