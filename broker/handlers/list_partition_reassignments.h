#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/list_partition_reassignments.h"

// ListPartitionReassignments (key 46), version 0 (KIP-455). With one broker none is ever under way.
namespace penstock::broker {

void handle_list_partition_reassignments(RequestContext context,
                                         protocol::ListPartitionReassignmentsRequest request,
                                         Reply<protocol::ListPartitionReassignmentsResponse> reply);

}  // namespace penstock::broker
