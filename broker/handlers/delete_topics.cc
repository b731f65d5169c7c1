#include "broker/handlers/delete_topics.h"

#include <map>
#include <memory>
#include <utility>

#include "broker/coordinator/at_group.h"
#include "broker/gather.h"
#include "broker/mutation_quota.h"

namespace penstock::broker {

using protocol::DeleteTopicsRequest;
using protocol::DeleteTopicsResponse;
using protocol::ErrorCode;

namespace {

constexpr std::int16_t kKnowsDisabledFrom = 3;  // TOPIC_DELETION_DISABLED
constexpr std::int16_t kKnowsThrottlingFrom = 5;

void refuse(DeleteTopicsResponse::Topic& topic, ErrorCode code, const char* text) {
  topic.error = code;
  topic.message = text;
}

/// Finds the topic by what was given of it, name or id.
void resolve(const Topics& topics, DeleteTopicsResponse::Topic& topic) {
  const bool by_id = !topic.id.is_zero();
  if (topic.name && by_id) {
    refuse(topic, ErrorCode::kInvalidRequest, "You may not specify both topic name and topic id.");
  } else if (by_id) {
    if (const TopicRef known = topics.find(topic.id))
      topic.name = known->name;
    else
      refuse(topic, ErrorCode::kUnknownTopicId, "This server does not host this topic ID.");
  } else if (!topic.name) {
    refuse(topic, ErrorCode::kInvalidRequest, "Neither topic name nor id were specified.");
  }
}

/// What was asked for in any version, each topic once, with an answer that is right until something
/// goes wrong.
std::vector<DeleteTopicsResponse::Topic> asked(const RequestContext& context,
                                               const DeleteTopicsRequest& request) {
  std::vector<DeleteTopicsResponse::Topic> all;
  for (const std::string_view name : request.names) all.emplace_back().name.emplace(name);
  for (const DeleteTopicsRequest::Topic& topic : request.topics) {
    DeleteTopicsResponse::Topic& to = all.emplace_back();
    to.name = owned(topic.name);
    to.id = topic.id;
  }
  std::vector<DeleteTopicsResponse::Topic> out;
  std::map<std::string, std::size_t> seen;
  for (DeleteTopicsResponse::Topic& topic : all) {
    resolve(*context.shard.topics(), topic);
    if (topic.error == ErrorCode::kNone && !context.broker().settings().delete_topics)
      refuse(topic,
             context.version < kKnowsDisabledFrom ? ErrorCode::kInvalidRequest
                                                  : ErrorCode::kTopicDeletionDisabled,
             "Topic deletion is disabled.");
    if (topic.error == ErrorCode::kNone) {
      const auto [at, is_new] = seen.emplace(*topic.name, out.size());
      if (!is_new) {
        refuse(out[at->second], ErrorCode::kInvalidRequest,
               topic.id.is_zero() ? "Duplicate topic name." : "Duplicate topic id.");
        continue;
      }
    }
    out.push_back(std::move(topic));
  }
  return out;
}

}  // namespace

void handle_delete_topics(RequestContext context, DeleteTopicsRequest request,
                          Reply<DeleteTopicsResponse> reply) {
  std::vector<DeleteTopicsResponse::Topic> topics = asked(context, request);
  if (topics.empty()) return reply(DeleteTopicsResponse());
  const auto quota = MutationQuota::of(context.broker(), std::string(context.client_id),
                                       context.version >= kKnowsThrottlingFrom);
  auto gather = std::make_shared<Gather<DeleteTopicsResponse::Topic>>(
      context.shard, topics.size(),
      [quota, reply = std::move(reply)](std::vector<DeleteTopicsResponse::Topic> all) mutable {
        DeleteTopicsResponse response;
        response.throttle_ms = throttle(quota.get(), reply.raw());
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
        name, quota,
        [gather, i,
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
