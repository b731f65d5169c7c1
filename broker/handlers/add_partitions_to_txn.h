#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/add_partitions_to_txn.h"

// AddPartitionsToTxn (key 24), versions 0-5. v2 PRODUCER_FENCED (KIP-588); v4, for brokers, many
// transactions and verify-only; v5 TRANSACTION_ABORTABLE (KIP-890).
namespace penstock::broker {

void handle_add_partitions_to_txn(RequestContext context,
                                  protocol::AddPartitionsToTxnRequest request,
                                  Reply<protocol::AddPartitionsToTxnResponse> reply);

}  // namespace penstock::broker
