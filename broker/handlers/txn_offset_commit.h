#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/txn_offset_commit.h"

// TxnOffsetCommit (key 28), versions 0-5. v2 leader epoch, v3 member and generation (KIP-447), v4
// TRANSACTION_ABORTABLE, v5 adds the group to the transaction by itself (KIP-890).
namespace penstock::broker {

void handle_txn_offset_commit(RequestContext context, protocol::TxnOffsetCommitRequest request,
                              Reply<protocol::TxnOffsetCommitResponse> reply);

}  // namespace penstock::broker
