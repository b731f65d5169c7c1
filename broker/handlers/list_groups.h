#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/list_groups.h"

// ListGroups (key 16), versions 0-5. v4 states (KIP-518), v5 types (KIP-848): all groups here are
// "classic".
namespace penstock::broker {

void handle_list_groups(RequestContext context, protocol::ListGroupsRequest request,
                        Reply<protocol::ListGroupsResponse> reply);

}  // namespace penstock::broker
