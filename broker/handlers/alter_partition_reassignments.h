#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/alter_partition_reassignments.h"

// AlterPartitionReassignments (key 45), versions 0-1 (KIP-455, KIP-860). A partition may be
// reassigned to the broker that has it, which is done at once; there is no other broker, and never
// a reassignment to cancel.
namespace penstock::broker {

void handle_alter_partition_reassignments(
    RequestContext context, protocol::AlterPartitionReassignmentsRequest request,
    Reply<protocol::AlterPartitionReassignmentsResponse> reply);

}  // namespace penstock::broker
