#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/fetch.h"

// Fetch (key 1), versions 4-18. v5 log start offset; v7 sessions; v9 leader epoch; v10 zstd; v11
// rack; v12 flexible, diverging epoch; v13 topic ids; v16 leader endpoints. Long poll until
// min_bytes or max_wait; records leave by sendfile. Sessions (KIP-227) live on the shard that their
// id names. A client over its quota gets an empty answer and waits. Left out: followers, preferred
// read replicas, aborted transactions (none can exist yet).
namespace penstock::broker {

void handle_fetch(RequestContext context, protocol::FetchRequest request,
                  Reply<protocol::FetchResponse> reply);

}  // namespace penstock::broker
