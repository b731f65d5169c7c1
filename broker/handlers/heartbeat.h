#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/heartbeat.h"

// Heartbeat (key 12), versions 0-4. v3 static members (KIP-345).
namespace penstock::broker {

void handle_heartbeat(RequestContext context, protocol::HeartbeatRequest request,
                      Reply<protocol::HeartbeatResponse> reply);

}  // namespace penstock::broker
