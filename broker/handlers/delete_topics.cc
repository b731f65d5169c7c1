#include "broker/handlers/delete_topics.h"

#include <memory>
#include <utility>

#include "broker/coordinator/at_group.h"
#include "broker/gather.h"

namespace penstock::broker {

using protocol::DeleteTopicsRequest;
using protocol::DeleteTopicsResponse;
using protocol::ErrorCode;

namespace {

/// Names from all versions alike, with an answer that is right until something goes wrong.
std::vector<DeleteTopicsResponse::Topic> asked(const RequestContext& context,
                                               const DeleteTopicsRequest& request) {
  std::vector<DeleteTopicsResponse::Topic> out;
  for (const std::string_view name : request.names) out.emplace_back().name.emplace(name);
  for (const DeleteTopicsRequest::Topic& topic : request.topics) {
    DeleteTopicsResponse::Topic& to = out.emplace_back();
    to.name = owned(topic.name);
    to.id = topic.id;
    if (topic.name) {
      if (!topic.id.is_zero()) to.error = ErrorCode::kInvalidRequest;  // one of the two
      continue;
    }
    if (const TopicRef known = context.shard.topics()->find(topic.id))
      to.name = known->name;
    else
      to.error = ErrorCode::kUnknownTopicId;
  }
  return out;
}

}  // namespace

void handle_delete_topics(RequestContext context, DeleteTopicsRequest request,
                          Reply<DeleteTopicsResponse> reply) {
  std::vector<DeleteTopicsResponse::Topic> topics = asked(context, request);
  if (topics.empty()) return reply(DeleteTopicsResponse());
  auto gather = std::make_shared<Gather<DeleteTopicsResponse::Topic>>(
      context.shard, topics.size(),
      [reply = std::move(reply)](std::vector<DeleteTopicsResponse::Topic> all) mutable {
        DeleteTopicsResponse response;
        response.topics = std::move(all);
        reply(response);
      });
  for (std::size_t i = 0; i < topics.size(); ++i) {
    if (topics[i].error != ErrorCode::kNone) {
      gather->put(i, std::move(topics[i]));
      continue;
    }
    const std::string name = *topics[i].name;
    context.broker().topic_admin().delete_topic(
        name, [gather, i,
               topic = std::move(topics[i])](tl::expected<TopicRef, ApiError> deleted) mutable {
          if (deleted) {
            topic.id = (*deleted)->id;
          } else {
            topic.error = deleted.error().code;
            topic.message = deleted.error().text;
          }
          gather->put(i, std::move(topic));
        });
  }
}

}  // namespace penstock::broker
