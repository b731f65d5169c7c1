#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/sync_group.h"

// SyncGroup (key 14), versions 0-5. v3 static members (KIP-345), v5 protocol type and name
// (KIP-559). Waits for the leader's assignment to be stored.
namespace penstock::broker {

void handle_sync_group(RequestContext context, protocol::SyncGroupRequest request,
                       Reply<protocol::SyncGroupResponse> reply);

}  // namespace penstock::broker
