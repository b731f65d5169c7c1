#include "broker/handlers/create_partitions.h"

#include <memory>
#include <utility>

#include "broker/gather.h"

namespace penstock::broker {

using protocol::CreatePartitionsRequest;
using protocol::CreatePartitionsResponse;
using protocol::ErrorCode;

namespace {

/// One broker: an assignment can only name it, once for each new partition.
std::optional<ApiError> check_assignments(const RequestContext& context,
                                          const CreatePartitionsRequest::Topic& topic) {
  if (!topic.assignments) return std::nullopt;
  const TopicRef known = context.shard.topics()->find(topic.name);
  const std::int64_t more =
      known ? topic.count - static_cast<std::int64_t>(known->partitions.size()) : 0;
  if (known && more > 0 && static_cast<std::int64_t>(topic.assignments->size()) != more) {
    return ApiError{
        ErrorCode::kInvalidReplicaAssignment,
        "Attempted to add " + std::to_string(more) + " additional partition(s), but only " +
            std::to_string(topic.assignments->size()) + " assignment(s) were specified."};
  }
  for (const CreatePartitionsRequest::Assignment& assignment : *topic.assignments) {
    if (assignment.brokers !=
        std::vector<std::int32_t>{context.broker().settings().node_id.value}) {
      return ApiError{ErrorCode::kInvalidReplicaAssignment,
                      "Partitions can only be assigned to broker " +
                          std::to_string(context.broker().settings().node_id.value) + "."};
    }
  }
  return std::nullopt;
}

}  // namespace

void handle_create_partitions(RequestContext context, CreatePartitionsRequest request,
                              Reply<CreatePartitionsResponse> reply) {
  if (request.topics.empty()) return reply(CreatePartitionsResponse());
  auto gather = std::make_shared<Gather<CreatePartitionsResponse::Topic>>(
      context.shard, request.topics.size(),
      [reply = std::move(reply)](std::vector<CreatePartitionsResponse::Topic> all) mutable {
        CreatePartitionsResponse response;
        response.topics = std::move(all);
        reply(response);
      });
  for (std::size_t i = 0; i < request.topics.size(); ++i) {
    const CreatePartitionsRequest::Topic& topic = request.topics[i];
    const std::string name(topic.name);
    if (const auto wrong = check_assignments(context, topic)) {
      gather->put(i, {name, wrong->code, wrong->text});
      continue;
    }
    context.broker().topic_admin().add_partitions(
        name, topic.count, request.validate_only,
        [gather, i, name](tl::expected<TopicRef, ApiError> done) {
          if (done)
            gather->put(i, {name, ErrorCode::kNone, std::nullopt});
          else
            gather->put(i, {name, done.error().code, done.error().text});
        });
  }
}

}  // namespace penstock::broker
