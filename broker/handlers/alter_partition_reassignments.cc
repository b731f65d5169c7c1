#include "broker/handlers/alter_partition_reassignments.h"

#include <utility>

#include "broker/handlers/replica_assignment.h"

namespace penstock::broker {

using protocol::AlterPartitionReassignmentsRequest;
using protocol::AlterPartitionReassignmentsResponse;
using protocol::ErrorCode;

namespace {

std::optional<ApiError> reassign(const RequestContext& context, std::string_view topic,
                                 const AlterPartitionReassignmentsRequest::Partition& partition) {
  const Topics& topics = *context.shard.topics();
  if (!topics.find(topic)) {
    return ApiError{ErrorCode::kUnknownTopicOrPartition,
                    "Unable to find a topic named " + name_in_text(topic) + "."};
  }
  if (!topics.find(topic, PartitionId(partition.index))) {
    return ApiError{ErrorCode::kUnknownTopicOrPartition, "Unable to find partition " +
                                                             std::string(topic) + ":" +
                                                             std::to_string(partition.index) + "."};
  }
  if (!partition.replicas) return ApiError{ErrorCode::kNoReassignmentInProgress, ""};
  return check_replicas(*partition.replicas, context.broker().settings().node_id);
}

}  // namespace

void handle_alter_partition_reassignments(RequestContext context,
                                          AlterPartitionReassignmentsRequest request,
                                          Reply<AlterPartitionReassignmentsResponse> reply) {
  AlterPartitionReassignmentsResponse response;
  if (request.topics.empty()) {
    response.message = "";
    return reply(response);
  }
  response.allow_factor_change = request.allow_factor_change;
  for (const AlterPartitionReassignmentsRequest::Topic& topic : request.topics) {
    AlterPartitionReassignmentsResponse::Topic& out = response.topics.emplace_back();
    out.name = topic.name;
    for (const AlterPartitionReassignmentsRequest::Partition& partition : topic.partitions) {
      AlterPartitionReassignmentsResponse::Partition& answer = out.partitions.emplace_back();
      answer.index = partition.index;
      if (auto refused = reassign(context, topic.name, partition)) {
        answer.error = refused->code;
        if (!refused->text.empty()) answer.message = std::move(refused->text);
      }
    }
  }
  reply(response);
}

}  // namespace penstock::broker
