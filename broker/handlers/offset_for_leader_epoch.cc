#include "broker/handlers/offset_for_leader_epoch.h"

#include <utility>
#include <vector>

#include "broker/for_each_owner.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::OffsetForLeaderEpochRequest;
using protocol::OffsetForLeaderEpochResponse;

namespace {

struct Item {
  PartitionRef handle;
  std::size_t topic = 0;
  std::size_t partition = 0;
  OffsetForLeaderEpochRequest::Partition asked;
  OffsetForLeaderEpochResponse::Partition answer;
};

void look_up(Item& item, Partition* partition) {
  if (partition == nullptr) {
    item.answer.error = item.handle->offline.text.empty() ? ErrorCode::kNotLeaderOrFollower
                                                          : ErrorCode::kStorageError;
    return;
  }
  item.answer.error = check_leader_epoch(partition->state(), item.asked.current_leader_epoch);
  if (item.answer.error != ErrorCode::kNone) return;
  std::tie(item.answer.leader_epoch, item.answer.end_offset) =
      partition->log().epoch_end(item.asked.leader_epoch);
}

}  // namespace

void handle_offset_for_leader_epoch(RequestContext context, OffsetForLeaderEpochRequest request,
                                    Reply<OffsetForLeaderEpochResponse> reply) {
  OffsetForLeaderEpochResponse response;
  std::vector<Item> items;
  for (const OffsetForLeaderEpochRequest::Topic& topic : request.topics) {
    OffsetForLeaderEpochResponse::Topic& out = response.topics.emplace_back();
    out.name = topic.name;
    for (const OffsetForLeaderEpochRequest::Partition& asked : topic.partitions) {
      Item item;
      item.handle = context.shard.topics()->find(topic.name, asked.index);
      item.topic = response.topics.size() - 1;
      item.partition = out.partitions.size();
      item.asked = asked;
      item.answer.index = asked.index;
      if (!item.handle) item.answer.error = ErrorCode::kUnknownTopicOrPartition;
      out.partitions.emplace_back();
      items.push_back(std::move(item));
    }
  }
  for_each_owner(
      context.shard, std::move(items), look_up,
      [response = std::move(response), reply = std::move(reply)](std::vector<Item> found) mutable {
        for (Item& item : found)
          response.topics[item.topic].partitions[item.partition] = item.answer;
        reply(response);
      });
}

}  // namespace penstock::broker
