#include "broker/handlers/describe_topic_partitions.h"

#include <algorithm>
#include <set>
#include <utility>

#include "broker/handlers/authorized_operations.h"

namespace penstock::broker {

using protocol::DescribeTopicPartitionsRequest;
using protocol::DescribeTopicPartitionsResponse;
using protocol::ErrorCode;

namespace {

/// Names in order, from the cursor's on.
std::set<std::string_view> names_from(const Topics& topics,
                                      const DescribeTopicPartitionsRequest& request) {
  const std::string_view first = request.cursor ? request.cursor->topic : std::string_view();
  std::set<std::string_view> out;
  if (request.topics.empty()) {
    for (auto at = topics.all().lower_bound(first); at != topics.all().end(); ++at)
      out.insert(at->first);
    return out;
  }
  for (const DescribeTopicPartitionsRequest::Topic& topic : request.topics) {
    if (topic.name >= first) out.insert(topic.name);
  }
  return out;
}

bool is_sound(const DescribeTopicPartitionsRequest& request) {
  if (!request.cursor) return true;
  if (request.cursor->partition < 0) return false;
  const auto named = [&](const auto& topic) { return topic.name == request.cursor->topic; };
  return request.topics.empty() || std::any_of(request.topics.begin(), request.topics.end(), named);
}

DescribeTopicPartitionsResponse::Partition describe(const PartitionHandle& handle, BrokerId self) {
  DescribeTopicPartitionsResponse::Partition out;
  out.index = handle.index;
  out.leader_epoch = handle.leader_epoch;
  out.replicas = {self};
  out.in_sync = {self};
  out.eligible_leaders.emplace();
  out.last_known_eligible.emplace();
  if (handle.offline.text.empty()) {
    out.leader = self;
  } else {
    out.error = ErrorCode::kLeaderNotAvailable;
    out.offline = {self};
  }
  return out;
}

DescribeTopicPartitionsResponse::Topic unknown(std::string_view name) {
  DescribeTopicPartitionsResponse::Topic out;
  out.name.emplace(name);
  out.error =
      check_topic_name(name) ? ErrorCode::kUnknownTopicOrPartition : ErrorCode::kInvalidTopic;
  out.authorized_operations = kTopicOperations;
  return out;
}

}  // namespace

void handle_describe_topic_partitions(RequestContext context,
                                      DescribeTopicPartitionsRequest request,
                                      Reply<DescribeTopicPartitionsResponse> reply) {
  const Settings& settings = context.broker().settings();
  const Topics& topics = *context.shard.topics();
  DescribeTopicPartitionsResponse response;
  if (!is_sound(request)) {
    for (const DescribeTopicPartitionsRequest::Topic& topic : request.topics) {
      DescribeTopicPartitionsResponse::Topic& out = response.topics.emplace_back();
      out.name.emplace(topic.name);
      out.error = ErrorCode::kInvalidRequest;
    }
    return reply(response);
  }
  auto left = static_cast<std::size_t>(
      std::clamp(request.partitions_max, 1, settings.described_partitions_max));
  for (const std::string_view name : names_from(topics, request)) {
    if (left == 0) {
      response.next.emplace().topic = name;
      break;
    }
    const TopicRef topic = topics.find(name);
    if (!topic) {
      response.topics.push_back(unknown(name));
      continue;
    }
    DescribeTopicPartitionsResponse::Topic& out = response.topics.emplace_back();
    out.name.emplace(name);
    out.id = topic->id;
    out.internal = topic->internal;
    out.authorized_operations = kTopicOperations;
    auto at = static_cast<std::size_t>(
        request.cursor && request.cursor->topic == name ? request.cursor->partition : 0);
    for (; at < topic->partitions.size() && left > 0; ++at, --left)
      out.partitions.push_back(describe(*topic->partitions[at], settings.node_id));
    if (at < topic->partitions.size()) {
      response.next.emplace() = {std::string(name), static_cast<std::int32_t>(at)};
      break;
    }
  }
  reply(response);
}

}  // namespace penstock::broker
