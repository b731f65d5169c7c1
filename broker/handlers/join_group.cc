#include "broker/handlers/join_group.h"

#include <cstdio>
#include <cstring>
#include <utility>

#include "broker/coordinator/at_group.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::JoinGroupRequest;
using protocol::JoinGroupResponse;

namespace {

/// As Kafka makes them: a name that says whose it is, and a random id in the usual form. A name
/// that leaves no room for the id is cut.
std::string new_member_id(std::string_view name) {
  const Uuid id = Uuid::random();
  char text[40];
  std::snprintf(text, sizeof text, "-%08x-%04x-%04x-%04x-%012llx",
                static_cast<unsigned>(id.high >> 32), static_cast<unsigned>(id.high >> 16 & 0xFFFF),
                static_cast<unsigned>(id.high & 0xFFFF), static_cast<unsigned>(id.low >> 48),
                static_cast<unsigned long long>(id.low & 0xFFFF'FFFF'FFFFULL));
  return std::string(name.substr(0, protocol::kTextBytesMax - std::strlen(text))) + text;
}

JoinEvent event_of(const RequestContext& context, const JoinGroupRequest& request) {
  JoinEvent event;
  event.member_id = request.member_id;
  event.instance_id = owned(request.instance_id);
  event.new_member_id =
      new_member_id(request.instance_id ? *request.instance_id : context.client_id);
  event.client_id = context.client_id;
  event.client_host = "/" + context.peer_address;
  event.protocol_type = request.protocol_type;
  for (const JoinGroupRequest::Protocol& p : request.protocols)
    event.protocols.push_back({std::string(p.name), std::string(as_text(p.metadata))});
  event.session_timeout_ms = request.session_timeout_ms;
  // v0 has one timeout for both.
  event.rebalance_timeout_ms =
      context.version == 0 ? request.session_timeout_ms : request.rebalance_timeout_ms;
  event.member_id_required = context.version >= 4;
  event.skip_assignment_known = context.version >= 9;
  return event;
}

}  // namespace

void handle_join_group(RequestContext context, JoinGroupRequest request,
                       Reply<JoinGroupResponse> reply) {
  if (request.group_id.empty()) {
    JoinGroupResponse response;
    response.error = ErrorCode::kInvalidGroupId;
    response.member_id = request.member_id;
    if (context.version < 7) response.protocol = "";
    return reply(response);
  }
  ask_group<JoinAnswer>(
      context.shard, request.group_id, event_of(context, request),
      [version = context.version, reply = std::move(reply)](JoinAnswer& answer) mutable {
        JoinGroupResponse response;
        response.error = answer.error;
        response.generation = answer.generation;
        response.protocol_type = std::move(answer.protocol_type);
        response.protocol = std::move(answer.protocol);
        if (version < 7 && !response.protocol) response.protocol = "";
        response.leader = std::move(answer.leader);
        response.skip_assignment = answer.skip_assignment;
        response.member_id = std::move(answer.member_id);
        for (JoinedMember& member : answer.members) {
          response.members.push_back(
              {member.id, std::move(member.instance_id), as_bytes(member.metadata)});
        }
        reply(response);
      });
}

}  // namespace penstock::broker
