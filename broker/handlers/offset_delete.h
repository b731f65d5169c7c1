#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/offset_delete.h"

// OffsetDelete (key 47), version 0 (KIP-496).
namespace penstock::broker {

void handle_offset_delete(RequestContext context, protocol::OffsetDeleteRequest request,
                          Reply<protocol::OffsetDeleteResponse> reply);

}  // namespace penstock::broker
