#include "broker/handlers/list_partition_reassignments.h"

namespace penstock::broker {

void handle_list_partition_reassignments(
    RequestContext, protocol::ListPartitionReassignmentsRequest,
    Reply<protocol::ListPartitionReassignmentsResponse> reply) {
  reply(protocol::ListPartitionReassignmentsResponse());
}

}  // namespace penstock::broker
