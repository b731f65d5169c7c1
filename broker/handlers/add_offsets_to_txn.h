#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/add_offsets_to_txn.h"

// AddOffsetsToTxn (key 25), versions 0-4: the partition of __consumer_offsets where the group lives
// becomes part of the transaction. v2 PRODUCER_FENCED (KIP-588); v4 as v3.
namespace penstock::broker {

void handle_add_offsets_to_txn(RequestContext context, protocol::AddOffsetsToTxnRequest request,
                               Reply<protocol::AddOffsetsToTxnResponse> reply);

}  // namespace penstock::broker
