#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/create_topics.h"

// CreateTopics (key 19), versions 2-7. v4 -1 for defaults (KIP-464), v5 settings in the answer
// (KIP-525), v7 topic id (KIP-516). A topic is stored before it is answered, and its partitions are
// open. One broker: replication factor 1, or -1. timeout_ms has no effect.
namespace penstock::broker {

void handle_create_topics(RequestContext context, protocol::CreateTopicsRequest request,
                          Reply<protocol::CreateTopicsResponse> reply);

}  // namespace penstock::broker
