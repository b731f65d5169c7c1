#include "broker/handlers/metadata.h"

#include <memory>
#include <utility>
#include <vector>

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

MetadataResponse::Topic refuse(std::string_view name, const Uuid& id, ErrorCode error) {
  MetadataResponse::Topic out;
  out.error = error;
  if (!name.empty()) out.name.emplace(name);
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

void create_missing(Broker& broker, std::vector<std::size_t> missing, MetadataResponse response,
                    Reply<MetadataResponse> reply) {
  auto pending = std::make_shared<Pending>(std::move(response), std::move(reply));
  pending->left = missing.size();
  for (const std::size_t at : missing) {
    NewTopic topic;
    topic.name = *pending->response.topics[at].name;
    topic.internal = is_internal_topic(topic.name);
    broker.topic_admin().create_topic(
        std::move(topic), [&broker, pending, at](tl::expected<TopicRef, ApiError> created) {
          MetadataResponse::Topic& out = pending->response.topics[at];
          const std::string name = *out.name;
          if (!created && created.error().code == ErrorCode::kTopicAlreadyExists) {
            // Somebody else creates it now: clients ask again after LEADER_NOT_AVAILABLE.
            created.error().code = ErrorCode::kLeaderNotAvailable;
            if (TopicRef other = broker.registry().current().find(name)) created = std::move(other);
          }
          out = created ? describe(broker, **created) : refuse(name, Uuid(), created.error().code);
          if (--pending->left == 0) pending->reply(pending->response);
        });
  }
}

}  // namespace

void handle_metadata(RequestContext context, MetadataRequest request,
                     Reply<MetadataResponse> reply) {
  Broker& broker = context.broker();
  const Topics& topics = *context.shard.topics();
  MetadataResponse response;
  const Endpoint& endpoint = broker.advertised();
  response.brokers.push_back(
      {broker.settings().node_id, endpoint.host, endpoint.port, std::nullopt});
  response.cluster_id = broker.cluster_id();
  response.controller = broker.settings().node_id;
  const bool all = !request.topics || (context.version == 0 && request.topics->empty());
  if (all) {
    for (const auto& [name, topic] : topics.all())
      response.topics.push_back(describe(broker, *topic));
    return reply(response);
  }
  const bool may_create = request.allow_auto_topic_creation && broker.settings().auto_create_topics;
  std::vector<std::size_t> missing;
  for (const MetadataRequest::Topic& asked : *request.topics) {
    const std::string_view name = asked.name.value_or("");
    const TopicRef topic = asked.name ? topics.find(name) : topics.find(asked.id);
    if (topic) {
      response.topics.push_back(describe(broker, *topic));
    } else if (!asked.name) {
      response.topics.push_back(refuse("", asked.id, ErrorCode::kUnknownTopicId));
    } else if (!check_topic_name(name)) {
      response.topics.push_back(refuse(name, Uuid(), ErrorCode::kInvalidTopic));
    } else {
      if (may_create) missing.push_back(response.topics.size());
      response.topics.push_back(refuse(name, Uuid(), ErrorCode::kUnknownTopicOrPartition));
    }
  }
  if (missing.empty()) return reply(response);
  create_missing(broker, std::move(missing), std::move(response), std::move(reply));
}

}  // namespace penstock::broker
