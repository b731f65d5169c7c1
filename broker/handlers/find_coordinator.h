#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/find_coordinator.h"

// FindCoordinator (key 10), versions 0-6. v4 many keys (KIP-699). The first question for a group
// creates __consumer_offsets, that for a transactional id __transaction_state. Left out: the
// coordinators of share groups (v6).
namespace penstock::broker {

void handle_find_coordinator(RequestContext context, protocol::FindCoordinatorRequest request,
                             Reply<protocol::FindCoordinatorResponse> reply);

}  // namespace penstock::broker
