#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/create_partitions.h"

// CreatePartitions (key 37), versions 0-3. Only the count can be chosen: there is one broker to
// assign to.
namespace penstock::broker {

void handle_create_partitions(RequestContext context, protocol::CreatePartitionsRequest request,
                              Reply<protocol::CreatePartitionsResponse> reply);

}  // namespace penstock::broker
