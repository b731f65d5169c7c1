#include "broker/handlers/offset_commit.h"

#include <utility>

#include "broker/coordinator/at_group.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::OffsetCommitRequest;
using protocol::OffsetCommitResponse;

namespace {

/// What is wrong with one partition, whatever the group says.
ErrorCode check(const RequestContext& context, std::string_view topic,
                const OffsetCommitRequest::Partition& partition) {
  if (!context.shard.topics()->find(topic, PartitionId(partition.index)))
    return ErrorCode::kUnknownTopicOrPartition;
  if (partition.metadata &&
      partition.metadata->size() >
          context.broker().settings().coordinator.limits.offset_metadata_bytes_max) {
    return ErrorCode::kOffsetMetadataTooLarge;
  }
  return ErrorCode::kNone;
}

}  // namespace

void handle_offset_commit(RequestContext context, OffsetCommitRequest request,
                          Reply<OffsetCommitResponse> reply) {
  CommitEvent event;
  event.generation = request.generation;
  event.member_id = request.member_id;
  event.instance_id = owned(request.instance_id);
  event.knows_epochs = context.version >= 9;
  OffsetCommitResponse response;
  for (const OffsetCommitRequest::Topic& topic : request.topics) {
    OffsetCommitResponse::Topic& out = response.topics.emplace_back();
    out.name = topic.name;
    for (const OffsetCommitRequest::Partition& partition : topic.partitions) {
      const ErrorCode error = check(context, topic.name, partition);
      out.partitions.push_back({partition.index, error});
      if (error != ErrorCode::kNone) continue;
      CommittedOffset offset;
      offset.offset = partition.offset.value;
      offset.leader_epoch = partition.leader_epoch;
      offset.metadata = partition.metadata.value_or("");
      event.offsets.emplace_back(TopicPartition(topic.name, partition.index), std::move(offset));
    }
  }
  ask_group<CodeAnswer>(
      context.shard, request.group_id, std::move(event),
      [response = std::move(response), reply = std::move(reply)](CodeAnswer& answer) mutable {
        for (OffsetCommitResponse::Topic& topic : response.topics) {
          for (OffsetCommitResponse::Partition& partition : topic.partitions) {
            if (partition.error == ErrorCode::kNone) partition.error = answer.error;
          }
        }
        reply(response);
      });
}

}  // namespace penstock::broker
