#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/coordinator/group.h"
#include "broker/handler.h"

// What OffsetCommit and TxnOffsetCommit have in common: the same topics and partitions, the same
// checks whatever the group says.
namespace penstock::broker {

inline constexpr std::int16_t kOffsetCommitByIdFrom = 10;

template <class Partition>
[[nodiscard]] protocol::ErrorCode check_commit_of(const RequestContext& context,
                                                  std::string_view topic,
                                                  const Partition& partition) {
  if (!context.shard.topics()->find(topic, PartitionId(partition.index)))
    return protocol::ErrorCode::kUnknownTopicOrPartition;
  if (partition.metadata &&
      partition.metadata->size() >
          context.broker().settings().coordinator.limits.offset_metadata_bytes_max) {
    return protocol::ErrorCode::kOffsetMetadataTooLarge;
  }
  return protocol::ErrorCode::kNone;
}

/// The offsets that may be committed. `response` gets every partition, the others with their error.
template <class Request, class Response>
[[nodiscard]] std::vector<std::pair<TopicPartition, CommittedOffset>> take_offsets(
    const RequestContext& context, const Request& request, Response& response) {
  std::vector<std::pair<TopicPartition, CommittedOffset>> offsets;
  for (const auto& topic : request.topics) {
    if (topic.partitions.empty()) continue;
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    std::string name(topic.name);
    protocol::ErrorCode unknown = protocol::ErrorCode::kNone;
    if constexpr (requires { topic.id; }) {
      out.id = topic.id;
      if (context.version >= kOffsetCommitByIdFrom) {
        const TopicRef known = context.shard.topics()->find(topic.id);
        if (known)
          name = known->name;
        else
          unknown = protocol::ErrorCode::kUnknownTopicId;
      }
    }
    for (const auto& partition : topic.partitions) {
      const protocol::ErrorCode error = unknown != protocol::ErrorCode::kNone
                                            ? unknown
                                            : check_commit_of(context, name, partition);
      out.partitions.push_back({partition.index, error});
      if (error != protocol::ErrorCode::kNone) continue;
      CommittedOffset offset;
      offset.offset = partition.offset.value;
      offset.leader_epoch = partition.leader_epoch;
      offset.metadata = partition.metadata.value_or("");
      offsets.emplace_back(TopicPartition(name, partition.index), std::move(offset));
    }
  }
  return offsets;
}

/// What the group said, for each partition that has no error of its own.
template <class Response>
void tell_partitions(Response& response, protocol::ErrorCode error) {
  for (auto& topic : response.topics) {
    for (auto& partition : topic.partitions) {
      if (partition.error == protocol::ErrorCode::kNone) partition.error = error;
    }
  }
}

}  // namespace penstock::broker
