#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/list_config_resources.h"

// ListConfigResources (key 74), versions 0-1. v0 asks for client metrics (KIP-714): there are none.
// v1 asks for types (KIP-1142): topics, the broker, and the groups that have
// settings of their own.
namespace penstock::broker {

void handle_list_config_resources(RequestContext context,
                                  protocol::ListConfigResourcesRequest request,
                                  Reply<protocol::ListConfigResourcesResponse> reply);

}  // namespace penstock::broker
