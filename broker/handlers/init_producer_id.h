#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/init_producer_id.h"

// InitProducerId (key 22), versions 0-4. v2 flexible; v3 the producer's present id and epoch
// (KIP-360): without a transactional id a new id is given. Left out: transactional ids, answered
// with COORDINATOR_NOT_AVAILABLE until there is a transaction coordinator.
namespace penstock::broker {

void handle_init_producer_id(RequestContext context, protocol::InitProducerIdRequest request,
                             Reply<protocol::InitProducerIdResponse> reply);

}  // namespace penstock::broker
