#include "broker/handlers/create_topics.h"

#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "broker/gather.h"
#include "broker/handlers/config_entries.h"
#include "broker/handlers/replica_assignment.h"
#include "broker/mutation_quota.h"

namespace penstock::broker {

using protocol::CreateTopicsRequest;
using protocol::CreateTopicsResponse;
using protocol::ErrorCode;

namespace {

constexpr std::int16_t kKnowsThrottlingFrom = 6;

/// Partitions that the assignments ask for, or what is wrong with them. There is one broker to
/// assign to.
tl::expected<std::int32_t, ApiError> assigned(const Broker& broker,
                                              const CreateTopicsRequest::Topic& topic) {
  const auto refuse = [](ErrorCode code, std::string text) {
    return tl::make_unexpected(ApiError{code, std::move(text)});
  };
  for (const auto& [set, what] : {std::pair(topic.replication_factor != -1, "replication factor"),
                                  std::pair(topic.partitions != -1, "number of partitions")}) {
    if (set) {
      return refuse(ErrorCode::kInvalidRequest,
                    std::string("A manual partition assignment was specified, but ") + what +
                        " was not set to -1.");
    }
  }
  std::set<std::int32_t> indexes;
  for (const CreateTopicsRequest::Assignment& assignment : topic.assignments) {
    if (!indexes.insert(assignment.partition).second) {
      return refuse(ErrorCode::kInvalidReplicaAssignment,
                    "Found multiple manual partition assignments for partition " +
                        std::to_string(assignment.partition));
    }
    if (auto wrong = check_replicas(assignment.brokers, broker.settings().node_id))
      return tl::make_unexpected(std::move(*wrong));
  }
  if (*indexes.begin() != 0 || *indexes.rbegin() != static_cast<std::int32_t>(indexes.size()) - 1) {
    return refuse(ErrorCode::kInvalidReplicaAssignment,
                  "partitions should be a consecutive 0-based integer sequence");
  }
  return static_cast<std::int32_t>(indexes.size());
}

tl::expected<NewTopic, ApiError> new_topic(const Broker& broker,
                                           const CreateTopicsRequest::Topic& topic,
                                           bool validate_only) {
  const auto refuse = [](ErrorCode code, std::string text) {
    return tl::make_unexpected(ApiError{code, std::move(text)});
  };
  NewTopic out;
  out.name = topic.name;
  out.partitions = topic.partitions;
  out.internal = is_internal_topic(topic.name);
  out.validate_only = validate_only;
  if (!topic.assignments.empty()) {
    const auto count = assigned(broker, topic);
    if (!count) return tl::make_unexpected(count.error());
    out.partitions = *count;
  } else if (topic.replication_factor == 0 || topic.replication_factor < -1) {
    return refuse(ErrorCode::kInvalidReplicationFactor,
                  "Replication factor must be larger than 0, or -1 to use the default value.");
  } else if (topic.replication_factor > 1) {
    const std::string factor = std::to_string(topic.replication_factor);
    return refuse(ErrorCode::kInvalidReplicationFactor,
                  "Unable to replicate the partition " + factor +
                      " time(s): The target replication factor of " + factor +
                      " cannot be reached because only 1 broker(s) are registered.");
  }
  for (const CreateTopicsRequest::Config& config : topic.configs) {
    if (!config.value)
      return refuse(ErrorCode::kInvalidConfig,
                    "Null value not supported for topic configs: " + std::string(config.name));
    out.overrides[std::string(config.name)] = *config.value;  // the last one counts
  }
  return out;
}

CreateTopicsResponse::Topic refused(std::string name, const ApiError& why) {
  CreateTopicsResponse::Topic out;
  out.name = std::move(name);
  out.error = why.code;
  out.message = why.text;
  out.configs.emplace();
  return out;
}

/// Control thread.
CreateTopicsResponse::Topic answer(Broker& broker, const NewTopic& asked, const TopicRef& created) {
  const BrokerConfig& config = broker.registry().current().broker_config();
  CreateTopicsResponse::Topic out;
  out.name = asked.name;
  out.replication_factor = 1;
  if (created) {
    out.id = created->id;
    out.partitions = static_cast<std::int32_t>(created->partitions.size());
    out.configs = created_configs(broker.settings(), config, created->overrides, created->settings);
    return out;
  }
  out.partitions = asked.partitions == -1 ? broker.settings().num_partitions
                                          : asked.partitions;  // validate_only
  const auto settings = with_overrides(config.topic_defaults, asked.overrides);
  if (settings)
    out.configs = created_configs(broker.settings(), config, asked.overrides, *settings);
  return out;
}

}  // namespace

void handle_create_topics(RequestContext context, CreateTopicsRequest request,
                          Reply<CreateTopicsResponse> reply) {
  if (request.topics.empty()) return reply(CreateTopicsResponse());
  if (request.timeout_ms <= 0) {  // over before it began
    CreateTopicsResponse response;
    std::set<std::string_view> names;
    for (const CreateTopicsRequest::Topic& topic : request.topics) {
      if (!names.insert(topic.name).second) continue;
      CreateTopicsResponse::Topic& out = response.topics.emplace_back();
      out.name = topic.name;
      out.error = ErrorCode::kRequestTimedOut;
      out.configs.emplace();
    }
    return reply(response);
  }
  std::map<std::string_view, int> times;
  for (const CreateTopicsRequest::Topic& topic : request.topics) ++times[topic.name];
  Broker& broker = context.broker();
  const auto quota = MutationQuota::of(broker, std::string(context.client_id),
                                       context.version >= kKnowsThrottlingFrom);
  auto gather = std::make_shared<Gather<CreateTopicsResponse::Topic>>(
      context.shard, times.size(),
      [quota, reply = std::move(reply)](std::vector<CreateTopicsResponse::Topic> topics) mutable {
        CreateTopicsResponse response;
        response.throttle_ms = throttle(quota.get(), reply.raw());
        response.topics = std::move(topics);
        reply(response);
      });
  std::size_t i = 0;
  for (const CreateTopicsRequest::Topic& topic : request.topics) {
    int& count = times[topic.name];
    if (count == 0) continue;
    const bool twice = std::exchange(count, 0) > 1;
    const std::size_t at = i++;
    auto asked = new_topic(broker, topic, request.validate_only);
    if (twice)
      asked = tl::make_unexpected(ApiError{ErrorCode::kInvalidRequest, "Duplicate topic name."});
    if (!asked) {
      gather->put(at, refused(std::string(topic.name), asked.error()));
      continue;
    }
    asked->quota = quota;
    broker.topic_admin().create_topic(
        *asked, [&broker, gather, at, asked = *asked](tl::expected<TopicRef, ApiError> created) {
          gather->put(
              at, created ? answer(broker, asked, *created) : refused(asked.name, created.error()));
        });
  }
}

}  // namespace penstock::broker
