#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/delete_topics.h"

// DeleteTopics (key 20), versions 1-6. v5 error text, v6 by name or id (KIP-516). Internal topics
// are refused. Files are unlinked later.
namespace penstock::broker {

void handle_delete_topics(RequestContext context, protocol::DeleteTopicsRequest request,
                          Reply<protocol::DeleteTopicsResponse> reply);

}  // namespace penstock::broker
