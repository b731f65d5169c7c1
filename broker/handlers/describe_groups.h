#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/describe_groups.h"

// DescribeGroups (key 15), versions 0-6. Before v6 an unknown group is "Dead" without error
// (KIP-1043).
namespace penstock::broker {

void handle_describe_groups(RequestContext context, protocol::DescribeGroupsRequest request,
                            Reply<protocol::DescribeGroupsResponse> reply);

}  // namespace penstock::broker
