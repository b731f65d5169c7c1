#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/describe_producers.h"

// DescribeProducers (key 61), version 0 (KIP-664): the producers that partitions know, and their
// open transactions.
namespace penstock::broker {

void handle_describe_producers(RequestContext context, protocol::DescribeProducersRequest request,
                               Reply<protocol::DescribeProducersResponse> reply);

}  // namespace penstock::broker
