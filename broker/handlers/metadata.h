#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/metadata.h"

// Metadata (key 3), versions 0-13. v1 null asks for all; v4 auto creation; v8 authorized operations
// (answered as not asked: there are no ACLs); v10 topic ids; v12 asks by id, and one id makes
// the names in the request count for nothing; v13 an error for the whole. An unknown topic is
// created when the request and auto.create.topics.enable allow it; the answer comes when it is
// there. Left out: offline replicas (there is one broker).
namespace penstock::broker {

void handle_metadata(RequestContext context, protocol::MetadataRequest request,
                     Reply<protocol::MetadataResponse> reply);

}  // namespace penstock::broker
