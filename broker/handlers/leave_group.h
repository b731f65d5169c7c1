#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/leave_group.h"

// LeaveGroup (key 13), versions 0-5. v3 many members, by member or instance id (KIP-345).
namespace penstock::broker {

void handle_leave_group(RequestContext context, protocol::LeaveGroupRequest request,
                        Reply<protocol::LeaveGroupResponse> reply);

}  // namespace penstock::broker
