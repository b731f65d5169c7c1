#include "broker/handlers/delete_records.h"

#include <functional>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/for_each_owner.h"
#include "broker/removals.h"

namespace penstock::broker {

using protocol::DeleteRecordsRequest;
using protocol::DeleteRecordsResponse;
using protocol::ErrorCode;

namespace {

struct Item {
  PartitionRef handle;
  std::size_t topic = 0;
  std::size_t partition = 0;
  Offset to;
  DeleteRecordsResponse::Partition answer;
};

/// On the owner. `finished` when the answer stands.
void remove(Item& item, Partition* partition, const std::function<void()>& finished) {
  DeleteRecordsResponse::Partition& out = item.answer;
  if (partition == nullptr) {
    out.error = item.handle->offline.text.empty() ? ErrorCode::kNotLeaderOrFollower
                                                  : ErrorCode::kStorageError;
    return finished();
  }
  // Records of a compacted topic are state: removing the oldest would lose keys (as in Kafka).
  if (partition->settings().log.cleanup_policy == log::CleanupPolicy::kCompact) {
    out.error = ErrorCode::kPolicyViolation;
    return finished();
  }
  const Offset high_watermark = partition->state().high_watermark;
  const Offset to = item.to.value == -1 ? high_watermark : item.to;
  if (to > high_watermark || to.value < 0) {
    out.error = ErrorCode::kOffsetOutOfRange;
    return finished();
  }
  item.handle->owner->removals().remove(item.handle, to, [&item, finished](const Status& removed) {
    const Partition* there = item.handle->partition.get();
    if (there == nullptr)
      item.answer.error = ErrorCode::kNotLeaderOrFollower;
    else if (!removed)
      item.answer.error = error_code_of(removed.error().code);
    else
      item.answer.low_watermark = there->state().log_start;
    finished();
  });
}

}  // namespace

void handle_delete_records(RequestContext context, DeleteRecordsRequest request,
                           Reply<DeleteRecordsResponse> reply) {
  DeleteRecordsResponse response;
  std::vector<Item> items;
  // Of a partition that is named more than once the last counts.
  std::map<std::pair<std::string_view, std::int32_t>, std::size_t> places;
  for (const DeleteRecordsRequest::Topic& topic : request.topics) {
    DeleteRecordsResponse::Topic& out = response.topics.emplace_back();
    out.name = topic.name;
    for (const DeleteRecordsRequest::Partition& asked : topic.partitions) {
      const auto [place, first] = places.emplace(std::pair(topic.name, asked.index), items.size());
      if (!first) {
        items[place->second].to = asked.offset;
        continue;
      }
      Item item;
      item.topic = response.topics.size() - 1;
      item.partition = out.partitions.size();
      item.to = asked.offset;
      item.answer.index = asked.index;
      if (is_internal_topic(topic.name))
        item.answer.error = ErrorCode::kInvalidTopic;
      else
        item.handle = context.shard.topics()->find(topic.name, PartitionId(asked.index));
      if (!item.handle && item.answer.error == ErrorCode::kNone)
        item.answer.error = ErrorCode::kUnknownTopicOrPartition;
      out.partitions.emplace_back();
      items.push_back(std::move(item));
    }
  }
  for_each_owner_waiting(
      context.shard, std::move(items), remove,
      [response = std::move(response), reply = std::move(reply)](std::vector<Item> done) mutable {
        for (Item& item : done)
          response.topics[item.topic].partitions[item.partition] = item.answer;
        reply(response);
      });
}

}  // namespace penstock::broker
