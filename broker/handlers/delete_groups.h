#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/delete_groups.h"

// DeleteGroups (key 42), versions 0-2 (KIP-229). Answered once the tombstones are stored.
namespace penstock::broker {

void handle_delete_groups(RequestContext context, protocol::DeleteGroupsRequest request,
                          Reply<protocol::DeleteGroupsResponse> reply);

}  // namespace penstock::broker
