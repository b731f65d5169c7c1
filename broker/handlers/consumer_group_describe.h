#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/consumer_group_describe.h"

// ConsumerGroupDescribe (key 69), versions 0-1 (KIP-848). Groups of the classic protocol are
// GROUP_ID_NOT_FOUND here; DescribeGroups has them. With group.version 0 all are
// UNSUPPORTED_VERSION.
namespace penstock::broker {

void handle_consumer_group_describe(RequestContext context,
                                    protocol::ConsumerGroupDescribeRequest request,
                                    Reply<protocol::ConsumerGroupDescribeResponse> reply);

}  // namespace penstock::broker
