#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/describe_transactions.h"

// DescribeTransactions (key 65), version 0 (KIP-664).
namespace penstock::broker {

void handle_describe_transactions(RequestContext context,
                                  protocol::DescribeTransactionsRequest request,
                                  Reply<protocol::DescribeTransactionsResponse> reply);

}  // namespace penstock::broker
