#include "broker/handlers/offset_delete.h"

#include <set>
#include <utility>

#include "broker/coordinator/at_group.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::OffsetDeleteRequest;
using protocol::OffsetDeleteResponse;

void handle_offset_delete(RequestContext context, OffsetDeleteRequest request,
                          Reply<OffsetDeleteResponse> reply) {
  DeleteOffsetsEvent event;
  OffsetDeleteResponse response;
  if (request.group_id.empty()) {
    response.error = ErrorCode::kInvalidGroupId;
    return reply(response);
  }
  for (const OffsetDeleteRequest::Topic& topic : request.topics) {
    OffsetDeleteResponse::Topic& out = response.topics.emplace_back();
    out.name = topic.name;
    for (const OffsetDeleteRequest::Partition& partition : topic.partitions) {
      const bool known =
          context.shard.topics()->find(topic.name, PartitionId(partition.index)) != nullptr;
      out.partitions.push_back(
          {partition.index, known ? ErrorCode::kNone : ErrorCode::kUnknownTopicOrPartition});
      if (known) event.offsets.emplace_back(std::string(topic.name), partition.index);
    }
  }
  ask_group<DeleteOffsetsAnswer>(
      context.shard, request.group_id, std::move(event),
      [response = std::move(response),
       reply = std::move(reply)](DeleteOffsetsAnswer& answer) mutable {
        if (answer.error != ErrorCode::kNone) {
          response.topics.clear();
          response.error = answer.error;
          return reply(response);
        }
        const std::set<TopicPartition> kept(answer.kept.begin(), answer.kept.end());
        for (OffsetDeleteResponse::Topic& topic : response.topics) {
          for (OffsetDeleteResponse::Partition& partition : topic.partitions) {
            if (kept.contains({topic.name, partition.index}))
              partition.error = ErrorCode::kGroupSubscribedToTopic;
          }
        }
        reply(response);
      });
}

}  // namespace penstock::broker
