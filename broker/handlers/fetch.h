#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/fetch.h"

// Fetch (key 1), versions 4-18. v5 log start offset; v7 sessions; v9 leader epoch; v10 zstd; v11
// rack; v12 flexible, diverging epoch; v13 topic ids; v16 leader endpoints. Long poll until
// min_bytes or max_wait; records leave by sendfile. Every answer has session id 0, which declines
// fetch sessions (KIP-227). Left out: sessions, followers, preferred read replicas, aborted
// transactions (none can exist yet).
namespace penstock::broker {

void handle_fetch(RequestContext context, protocol::FetchRequest request,
                  Reply<protocol::FetchResponse> reply);

}  // namespace penstock::broker
