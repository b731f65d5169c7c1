#include "broker/handlers/create_partitions.h"

#include <map>
#include <memory>
#include <utility>

#include "broker/gather.h"
#include "broker/handlers/replica_assignment.h"
#include "broker/mutation_quota.h"

namespace penstock::broker {

using protocol::CreatePartitionsRequest;
using protocol::CreatePartitionsResponse;
using protocol::ErrorCode;

namespace {

constexpr std::int16_t kKnowsThrottlingFrom = 3;

std::optional<ApiError> check_assignments(const RequestContext& context,
                                          const CreatePartitionsRequest::Topic& topic) {
  const TopicRef known = context.shard.topics()->find(topic.name);
  if (!topic.assignments || !known) return std::nullopt;
  const std::int64_t more = topic.count - static_cast<std::int64_t>(known->partitions.size());
  if (more <= 0) return std::nullopt;  // refused as such
  if (static_cast<std::int64_t>(topic.assignments->size()) != more) {
    return ApiError{
        ErrorCode::kInvalidReplicaAssignment,
        "Attempted to add " + std::to_string(more) + " additional partition(s), but only " +
            std::to_string(topic.assignments->size()) + " assignment(s) were specified."};
  }
  for (const CreatePartitionsRequest::Assignment& assignment : *topic.assignments) {
    if (auto wrong = check_replicas(assignment.brokers, context.broker().settings().node_id))
      return wrong;
  }
  return std::nullopt;
}

}  // namespace

void handle_create_partitions(RequestContext context, CreatePartitionsRequest request,
                              Reply<CreatePartitionsResponse> reply) {
  if (request.topics.empty()) return reply(CreatePartitionsResponse());
  std::map<std::string_view, int> times;
  for (const CreatePartitionsRequest::Topic& topic : request.topics) ++times[topic.name];
  const auto quota = MutationQuota::of(context.broker(), std::string(context.client_id),
                                       context.version >= kKnowsThrottlingFrom);
  auto gather = std::make_shared<Gather<CreatePartitionsResponse::Topic>>(
      context.shard, times.size(),
      [quota, reply = std::move(reply)](std::vector<CreatePartitionsResponse::Topic> all) mutable {
        CreatePartitionsResponse response;
        response.throttle_ms = throttle(quota.get(), reply.raw());
        response.topics = std::move(all);
        reply(response);
      });
  std::size_t next = 0;
  for (const CreatePartitionsRequest::Topic& topic : request.topics) {
    const int count = std::exchange(times[topic.name], 0);
    if (count == 0) continue;  // answered
    const std::size_t i = next++;
    const std::string name(topic.name);
    if (count > 1) {
      gather->put(i, {name, ErrorCode::kInvalidRequest, "Duplicate topic name."});
      continue;
    }
    if (const auto wrong = check_assignments(context, topic)) {
      gather->put(i, {name, wrong->code, wrong->text});
      continue;
    }
    context.broker().topic_admin().add_partitions(
        name, topic.count, request.validate_only, quota,
        [gather, i, name](tl::expected<TopicRef, ApiError> done) {
          if (done)
            gather->put(i, {name, ErrorCode::kNone, std::nullopt});
          else if (done.error().code == ErrorCode::kUnknownTopicOrPartition)
            gather->put(i, {name, done.error().code, std::nullopt});  // the code says it
          else
            gather->put(i, {name, done.error().code, done.error().text});
        });
  }
}

}  // namespace penstock::broker
