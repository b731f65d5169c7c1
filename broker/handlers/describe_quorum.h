#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/describe_quorum.h"

// DescribeQuorum (key 55), versions 0-2 (KIP-595). v1 times of voters (KIP-836), v2 error texts,
// directory ids and endpoints (KIP-853). This broker is the one voter and has always led: what
// Kafka keeps in the log __cluster_metadata is in the metadata store here, whose revisions stand
// for offsets. Left out: observers, and the controllers' endpoints; there are none.
namespace penstock::broker {

void handle_describe_quorum(RequestContext context, protocol::DescribeQuorumRequest request,
                            Reply<protocol::DescribeQuorumResponse> reply);

}  // namespace penstock::broker
