#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/join_group.h"

// JoinGroup (key 11), versions 0-9. v4 MEMBER_ID_REQUIRED (KIP-394), v5 static members (KIP-345),
// v9 skip assignment (KIP-814). The answer waits for the rebalance to complete.
namespace penstock::broker {

void handle_join_group(RequestContext context, protocol::JoinGroupRequest request,
                       Reply<protocol::JoinGroupResponse> reply);

}  // namespace penstock::broker
