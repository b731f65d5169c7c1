#include "broker/handlers/elect_leaders.h"

#include <utility>

namespace penstock::broker {

using protocol::ElectLeadersRequest;
using protocol::ElectLeadersResponse;
using protocol::ErrorCode;

namespace {

constexpr std::int8_t kPreferred = 0;
constexpr std::int8_t kUnclean = 1;

ElectLeadersResponse::Partition elect(const PartitionHandle& handle, std::int8_t type) {
  if (handle.offline.text.empty()) {
    return {handle.index.value, ErrorCode::kElectionNotNeeded,
            "Leader election not needed for topic partition."};
  }
  return {handle.index.value,
          type == kPreferred ? ErrorCode::kPreferredLeaderNotAvailable
                             : ErrorCode::kEligibleLeadersNotAvailable,
          "The only replica is offline: " + handle.offline.text};
}

ElectLeadersResponse::Partition elect(const Topics& topics, std::string_view topic,
                                      std::int32_t index, std::int8_t type) {
  if (!topics.find(topic)) {
    return {index, ErrorCode::kUnknownTopicOrPartition, "No such topic as " + name_in_text(topic)};
  }
  if (const PartitionRef handle = topics.find(topic, PartitionId(index)))
    return elect(*handle, type);
  return {index, ErrorCode::kUnknownTopicOrPartition,
          "No such partition as " + std::string(topic) + "-" + std::to_string(index)};
}

/// For all partitions only those count that need a leader.
void elect_all(const Topics& topics, std::int8_t type, ElectLeadersResponse& response) {
  for (const auto& [name, topic] : topics.all()) {
    ElectLeadersResponse::Topic& out = response.topics.emplace_back();
    out.name = name;
    for (const PartitionRef& handle : topic->partitions) {
      auto outcome = elect(*handle, type);
      if (outcome.error != ErrorCode::kElectionNotNeeded)
        out.partitions.push_back(std::move(outcome));
    }
  }
}

}  // namespace

void handle_elect_leaders(RequestContext context, ElectLeadersRequest request,
                          Reply<ElectLeadersResponse> reply) {
  const Topics& topics = *context.shard.topics();
  const std::int8_t type = request.election_type;
  const bool known = type == kPreferred || type == kUnclean;
  ElectLeadersResponse response;
  if (!known) response.error = ErrorCode::kInvalidRequest;
  if (!request.topics) {
    if (known) elect_all(topics, type, response);
    return reply(response);
  }
  for (const ElectLeadersRequest::Topic& topic : *request.topics) {
    ElectLeadersResponse::Topic& out = response.topics.emplace_back();
    out.name = topic.name;
    for (const std::int32_t index : topic.partitions) {
      if (known) {
        out.partitions.push_back(elect(topics, topic.name, index, type));
      } else {
        out.partitions.push_back(
            {index, ErrorCode::kInvalidRequest, "Unknown election type " + std::to_string(type)});
      }
    }
  }
  reply(response);
}

}  // namespace penstock::broker
