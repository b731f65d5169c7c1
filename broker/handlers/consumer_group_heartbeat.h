#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/consumer_group_heartbeat.h"

// ConsumerGroupHeartbeat (key 68), versions 0-1 (KIP-848). Epoch 0 joins, -1 leaves, -2 leaves a
// static member's place open. v1 a regular expression; the client makes its member id (KIP-1082).
// UNSUPPORTED_VERSION while the feature group.version is 0.
namespace penstock::broker {

void handle_consumer_group_heartbeat(RequestContext context,
                                     protocol::ConsumerGroupHeartbeatRequest request,
                                     Reply<protocol::ConsumerGroupHeartbeatResponse> reply);

}  // namespace penstock::broker
