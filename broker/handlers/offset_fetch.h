#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/offset_fetch.h"

// OffsetFetch (key 9), versions 1-10. v2 all topics, v7 require_stable (KIP-447; without
// transactions every offset is stable), v8 many groups (KIP-709).
namespace penstock::broker {

void handle_offset_fetch(RequestContext context, protocol::OffsetFetchRequest request,
                         Reply<protocol::OffsetFetchResponse> reply);

}  // namespace penstock::broker
