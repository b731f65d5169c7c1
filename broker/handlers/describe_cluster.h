#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/describe_cluster.h"

// DescribeCluster (key 60), versions 0-1 (KIP-700, KIP-919). Left out: the controllers' endpoint;
// there is none.
namespace penstock::broker {

void handle_describe_cluster(RequestContext context, protocol::DescribeClusterRequest request,
                             Reply<protocol::DescribeClusterResponse> reply);

}  // namespace penstock::broker
