#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/list_transactions.h"

// ListTransactions (key 66), versions 0-2 (KIP-664). v1 duration filter (KIP-994), v2 pattern of
// the transactional id (KIP-1152).
namespace penstock::broker {

void handle_list_transactions(RequestContext context, protocol::ListTransactionsRequest request,
                              Reply<protocol::ListTransactionsResponse> reply);

}  // namespace penstock::broker
