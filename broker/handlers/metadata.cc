#include "broker/handlers/metadata.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "broker/handlers/authorized_operations.h"
#include "broker/mutation_quota.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::MetadataRequest;
using protocol::MetadataResponse;

namespace {

MetadataResponse::Topic describe(const Broker& broker, const Topic& topic) {
  const BrokerId self = broker.settings().node_id;
  MetadataResponse::Topic out;
  out.name = topic.name;
  out.id = topic.id;
  out.internal = topic.internal;
  out.partitions.reserve(topic.partitions.size());
  for (const PartitionRef& handle : topic.partitions) {
    MetadataResponse::Partition& partition = out.partitions.emplace_back();
    partition.index = handle->index;
    partition.leader = self;
    partition.leader_epoch = handle->leader_epoch;
    partition.replicas = {self};
    partition.in_sync = {self};
    if (handle->offline.text.empty()) continue;
    partition.error = ErrorCode::kLeaderNotAvailable;
    partition.leader = BrokerId(-1);
    partition.offline = {self};
  }
  return out;
}

MetadataResponse::Topic refuse(std::optional<std::string_view> name, const Uuid& id,
                               ErrorCode error) {
  MetadataResponse::Topic out;
  out.error = error;
  if (name) out.name.emplace(*name);
  out.id = id;
  return out;
}

/// The answer under way while topics are being created, which others do. Control thread, once they
/// are under way.
struct Pending {
  Pending(MetadataResponse r, Reply<MetadataResponse> to)
      : response(std::move(r)), reply(std::move(to)) {}
  MetadataResponse response;
  Reply<MetadataResponse> reply;
  std::size_t left = 0;
};

/// With what the client may do, where it asked (KIP-430): the topics that have a name, there or
/// not.
void answer(MetadataResponse& response, bool with_operations, Reply<MetadataResponse>& reply) {
  if (with_operations) {
    for (MetadataResponse::Topic& topic : response.topics) {
      if (topic.name) topic.operations = kTopicOperations;
    }
  }
  reply(response);
}

void create_missing(Broker& broker, std::string client_id, const std::vector<std::size_t>& missing,
                    MetadataResponse response, bool with_operations,
                    Reply<MetadataResponse> reply) {
  const auto quota = MutationQuota::of(broker, std::move(client_id), true);
  auto pending = std::make_shared<Pending>(std::move(response), std::move(reply));
  pending->left = missing.size();
  for (const std::size_t at : missing) {
    NewTopic topic;
    topic.name = *pending->response.topics[at].name;
    topic.internal = is_internal_topic(topic.name);
    topic.quota = quota;
    broker.topic_admin().create_topic(
        std::move(topic),
        [&broker, pending, at, with_operations](tl::expected<TopicRef, ApiError> created) {
          MetadataResponse::Topic& out = pending->response.topics[at];
          const std::string name = *out.name;
          if (!created && created.error().code == ErrorCode::kTopicAlreadyExists) {
            // Somebody else creates it now: clients ask again after LEADER_NOT_AVAILABLE.
            created.error().code = ErrorCode::kLeaderNotAvailable;
            if (TopicRef other = broker.registry().current().find(name)) created = std::move(other);
          }
          if (!created && created.error().code == ErrorCode::kThrottlingQuotaExceeded)
            created.error().code = ErrorCode::kUnknownTopicOrPartition;  // clients ask again
          out = created ? describe(broker, **created) : refuse(name, Uuid(), created.error().code);
          if (--pending->left == 0) answer(pending->response, with_operations, pending->reply);
        });
  }
}

/// Why the whole request is refused: ids count from version 12 on, and something has to be said.
ErrorCode check(const MetadataRequest& request, std::int16_t version) {
  const bool by_id = std::any_of(request.topics->begin(), request.topics->end(),
                                 [](const auto& topic) { return !topic.id.is_zero(); });
  for (const MetadataRequest::Topic& topic : *request.topics) {
    if (version < 12 && (!topic.name || !topic.id.is_zero())) return ErrorCode::kInvalidRequest;
    if (!by_id && !topic.name) return ErrorCode::kUnknownServerError;  // as Kafka's
  }
  return ErrorCode::kNone;
}

MetadataResponse refuse_all(const MetadataRequest& request, ErrorCode error) {
  MetadataResponse out;
  out.error = error;
  for (const MetadataRequest::Topic& asked : *request.topics) {
    MetadataResponse::Topic& topic = out.topics.emplace_back();
    topic.error = error;
    topic.name.emplace(asked.name.value_or(""));
    topic.id = asked.id;
  }
  return out;
}

/// Each topic that is asked for once, in the order of the request.
std::vector<MetadataRequest::Topic> distinct(const std::vector<MetadataRequest::Topic>& asked) {
  const bool by_id = std::any_of(asked.begin(), asked.end(),
                                 [](const auto& topic) { return !topic.id.is_zero(); });
  std::vector<MetadataRequest::Topic> out;
  std::set<Uuid> ids;
  std::set<std::string_view> names;
  for (const MetadataRequest::Topic& topic : asked) {
    if (by_id ? !topic.id.is_zero() && ids.insert(topic.id).second
              : names.insert(*topic.name).second)
      out.push_back({topic.id, by_id ? std::nullopt : topic.name});
  }
  return out;
}

}  // namespace

void handle_metadata(RequestContext context, MetadataRequest request,
                     Reply<MetadataResponse> reply) {
  Broker& broker = context.broker();
  const Topics& topics = *context.shard.topics();
  const bool all = !request.topics || (context.version == 0 && request.topics->empty());
  if (!all) {
    if (const ErrorCode error = check(request, context.version); error != ErrorCode::kNone)
      return reply(refuse_all(request, error));
  }
  MetadataResponse response;
  const Endpoint& endpoint = broker.advertised();
  response.brokers.push_back(
      {broker.settings().node_id, endpoint.host, endpoint.port, broker.settings().rack});
  response.cluster_id = broker.cluster_id();
  response.controller = broker.settings().node_id;
  if (request.include_cluster_operations) response.cluster_operations = kClusterOperations;
  if (all) {
    for (const auto& [name, topic] : topics.all())
      response.topics.push_back(describe(broker, *topic));
    return answer(response, request.include_topic_operations, reply);
  }
  const bool may_create = request.allow_auto_topic_creation && broker.settings().auto_create_topics;
  std::vector<std::size_t> missing;
  for (const MetadataRequest::Topic& asked : distinct(*request.topics)) {
    const std::string_view name = asked.name.value_or("");
    const TopicRef topic = asked.name ? topics.find(name) : topics.find(asked.id);
    if (topic) {
      response.topics.push_back(describe(broker, *topic));
    } else if (!asked.name) {
      response.topics.push_back(refuse(std::nullopt, asked.id, ErrorCode::kUnknownTopicId));
    } else if (!check_topic_name(name)) {
      response.topics.push_back(refuse(name, Uuid(), ErrorCode::kInvalidTopic));
    } else {
      if (may_create) missing.push_back(response.topics.size());
      response.topics.push_back(refuse(name, Uuid(), ErrorCode::kUnknownTopicOrPartition));
    }
  }
  if (missing.empty()) return answer(response, request.include_topic_operations, reply);
  create_missing(broker, std::string(context.client_id), missing, std::move(response),
                 request.include_topic_operations, std::move(reply));
}

}  // namespace penstock::broker
