#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/offset_commit.h"

// OffsetCommit (key 8), versions 2-10. Answered once the offsets are in __consumer_offsets. The
// retention time of v2-4 is ignored (KIP-211).
namespace penstock::broker {

void handle_offset_commit(RequestContext context, protocol::OffsetCommitRequest request,
                          Reply<protocol::OffsetCommitResponse> reply);

}  // namespace penstock::broker
