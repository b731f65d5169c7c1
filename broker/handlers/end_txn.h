#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/end_txn.h"

// EndTxn (key 26), versions 0-5. v2 PRODUCER_FENCED (KIP-588); v5 a new epoch with every end
// (KIP-890). Answered when the decision is stored; the markers are written behind the answer.
namespace penstock::broker {

void handle_end_txn(RequestContext context, protocol::EndTxnRequest request,
                    Reply<protocol::EndTxnResponse> reply);

}  // namespace penstock::broker
