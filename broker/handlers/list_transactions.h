#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/list_transactions.h"

// ListTransactions (key 66), versions 0-1 (KIP-664). v1 duration filter (KIP-994). Left out: v2
// (pattern of the transactional id).
namespace penstock::broker {

void handle_list_transactions(RequestContext context, protocol::ListTransactionsRequest request,
                              Reply<protocol::ListTransactionsResponse> reply);

}  // namespace penstock::broker
