#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/elect_leaders.h"

// ElectLeaders (key 43), versions 0-2 (KIP-183, KIP-460). There is one broker, which leads every
// partition that is online: ELECTION_NOT_NEEDED. One that is offline has no replica to elect.
namespace penstock::broker {

void handle_elect_leaders(RequestContext context, protocol::ElectLeadersRequest request,
                          Reply<protocol::ElectLeadersResponse> reply);

}  // namespace penstock::broker
