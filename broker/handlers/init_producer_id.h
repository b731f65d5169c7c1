#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/init_producer_id.h"

// InitProducerId (key 22), versions 0-5. v2 flexible; v3 the producer's present id and epoch
// (KIP-360): without a transactional id a new id is given; v4 PRODUCER_FENCED (KIP-588); v5 as v4.
// Left out: v6 (two-phase commit).
namespace penstock::broker {

void handle_init_producer_id(RequestContext context, protocol::InitProducerIdRequest request,
                             Reply<protocol::InitProducerIdResponse> reply);

}  // namespace penstock::broker
