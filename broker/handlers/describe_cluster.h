#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/describe_cluster.h"

// DescribeCluster (key 60), versions 0-2 (KIP-700). v1 endpoint type (KIP-919), v2 fenced brokers
// (KIP-1073): there are none. Left out: the controllers' endpoint; there is none.
namespace penstock::broker {

void handle_describe_cluster(RequestContext context, protocol::DescribeClusterRequest request,
                             Reply<protocol::DescribeClusterResponse> reply);

}  // namespace penstock::broker
