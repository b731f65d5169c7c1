#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/write_txn_markers.h"

// WriteTxnMarkers (key 27), versions 1-2: ends a producer's transaction on partitions by hand
// (kafka-transactions abort). v2 transaction version (KIP-1228). A coordinator epoch that the
// coordinators have not reached is INVALID_REQUEST, unless the producer has it there already.
namespace penstock::broker {

void handle_write_txn_markers(RequestContext context, protocol::WriteTxnMarkersRequest request,
                              Reply<protocol::WriteTxnMarkersResponse> reply);

}  // namespace penstock::broker
