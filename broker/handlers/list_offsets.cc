#include "broker/handlers/list_offsets.h"

#include <limits>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/for_each_owner.h"
#include "broker/handlers/isolation.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::ListOffsetsRequest;
using protocol::ListOffsetsResponse;

namespace {

constexpr LeaderEpoch kNoEpoch{-1};

struct Item {
  PartitionRef handle;
  std::size_t topic = 0;
  std::size_t partition = 0;
  ListOffsetsRequest::Partition asked;
  bool read_committed = false;
  ListOffsetsResponse::Partition answer;
};

/// The first version that knows a timestamp below zero.
std::int16_t first_version(std::int64_t timestamp_ms) {
  switch (timestamp_ms) {
    case ListOffsetsRequest::kLatest:
    case ListOffsetsRequest::kEarliest:
      return 0;
    case ListOffsetsRequest::kMaxTimestamp:
      return 7;
    case ListOffsetsRequest::kEarliestLocal:
      return 8;
    case ListOffsetsRequest::kLatestTiered:
      return 9;
    case ListOffsetsRequest::kEarliestPendingUpload:
      return 11;
    default:
      return timestamp_ms < 0 ? std::numeric_limits<std::int16_t>::max() : std::int16_t{0};
  }
}

void set(Item& item, const Result<std::optional<log::TimestampOffset>>& found) {
  if (!found) {
    item.answer.error = error_code_of(found.error().code);
  } else if (*found) {
    item.answer.timestamp_ms = (*found)->timestamp_ms;
    item.answer.offset = (*found)->offset;
    item.answer.leader_epoch = (*found)->epoch;
  }
}

void look_up(Item& item, Partition* partition) {
  if (partition == nullptr) {
    item.answer.error = item.handle->offline.text.empty() ? ErrorCode::kNotLeaderOrFollower
                                                          : ErrorCode::kStorageError;
    return;
  }
  item.answer.error = check_leader_epoch(partition->state(), item.asked.current_leader_epoch);
  if (item.asked.current_leader_epoch < kNoEpoch) item.answer.error = ErrorCode::kFencedLeaderEpoch;
  if (item.answer.error != ErrorCode::kNone) return;
  const Offset below =
      item.read_committed ? partition->last_stable() : partition->state().high_watermark;
  switch (item.asked.timestamp_ms) {
    case ListOffsetsRequest::kLatest:
      item.answer.offset = below;
      item.answer.leader_epoch = partition->state().epoch;
      return;
    case ListOffsetsRequest::kEarliest:
    case ListOffsetsRequest::kEarliestLocal:
      item.answer.offset = partition->state().log_start;
      item.answer.leader_epoch = partition->log().epoch_at(item.answer.offset);
      return;
    case ListOffsetsRequest::kMaxTimestamp:
      return set(item, partition->log().find_max_timestamp(below));
    case ListOffsetsRequest::kLatestTiered:
    case ListOffsetsRequest::kEarliestPendingUpload:
      return;
    default:
      break;
  }
  set(item, partition->log().find_timestamp(item.asked.timestamp_ms, below));
}

}  // namespace

void handle_list_offsets(RequestContext context, ListOffsetsRequest request,
                         Reply<ListOffsetsResponse> reply) {
  const Topics& topics = *context.shard.topics();
  ListOffsetsResponse response;
  std::vector<Item> items;
  const bool no_isolation = !is_isolation_level(request.isolation_level);
  std::map<std::pair<std::string_view, std::int32_t>, int> times;
  for (const ListOffsetsRequest::Topic& topic : request.topics) {
    for (const ListOffsetsRequest::Partition& asked : topic.partitions)
      ++times[{topic.name, asked.index.value}];
  }
  for (const ListOffsetsRequest::Topic& topic : request.topics) {
    if (topic.partitions.empty()) continue;
    ListOffsetsResponse::Topic& out = response.topics.emplace_back();
    out.name = topic.name;
    for (const ListOffsetsRequest::Partition& asked : topic.partitions) {
      // Who names a partition twice is told so, once.
      const int count = std::exchange(times[{topic.name, asked.index.value}], 0);
      if (count == 0) continue;
      Item item;
      if (no_isolation)
        item.answer.error = ErrorCode::kUnknownServerError;
      else if (count > 1)
        item.answer.error = ErrorCode::kInvalidRequest;
      else if (context.version >= first_version(asked.timestamp_ms))
        item.handle = topics.find(topic.name, asked.index);
      else
        item.answer.error = ErrorCode::kUnsupportedVersion;
      item.topic = response.topics.size() - 1;
      item.partition = out.partitions.size();
      item.asked = asked;
      item.read_committed = request.isolation_level == kReadCommitted;
      item.answer.index = asked.index;
      if (!item.handle && item.answer.error == ErrorCode::kNone)
        item.answer.error = ErrorCode::kUnknownTopicOrPartition;
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
