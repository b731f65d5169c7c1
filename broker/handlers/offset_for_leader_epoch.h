#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/offset_for_leader_epoch.h"

// OffsetForLeaderEpoch (key 23), versions 2-4. v2 current leader epoch (KIP-320); v3 replica id; v4
// flexible.
namespace penstock::broker {

void handle_offset_for_leader_epoch(RequestContext context,
                                    protocol::OffsetForLeaderEpochRequest request,
                                    Reply<protocol::OffsetForLeaderEpochResponse> reply);

}  // namespace penstock::broker
