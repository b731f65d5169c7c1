#include "broker/handlers/fetch.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "broker/client_quotas.h"
#include "broker/fetch_operation.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::FetchRequest;
using protocol::FetchResponse;

namespace {

constexpr std::int32_t kFullEpoch = 0;    // asks for a session
constexpr std::int32_t kFinalEpoch = -1;  // wants none

FetchOperation::Options options_of(const RequestContext& context, const FetchRequest& request) {
  FetchOperation::Options options;
  options.wait_ms_max = std::max(request.wait_ms_max, 0);
  options.bytes_min = static_cast<std::uint64_t>(std::max(request.bytes_min, 0));
  options.bytes_max = static_cast<std::uint64_t>(
      std::clamp(request.bytes_max, 0, context.broker().settings().fetch_bytes_max));
  options.read_committed = request.isolation_level == 1;
  options.replica = (context.version >= 15 ? request.replica_state.id : request.replica).value >= 0;
  options.by_id = context.version >= 13;
  if (const ClientQuotas& quotas = context.broker().quotas(); quotas.any()) {
    options.client_id = context.client_id;
    if (const auto most = quotas.bytes_max(ClientQuotas::Kind::kFetch, context.client_id)) {
      options.bytes_max = std::min(options.bytes_max, *most);
      options.bytes_min = std::min(options.bytes_min, *most);
    }
  }
  return options;
}

/// What to say of a partition whose topic is not there. `seen`: by a session that knew it once.
ErrorCode unknown_topic(const Topics& topics, bool by_id, const PartitionRef& seen) {
  if (!by_id) return ErrorCode::kUnknownTopicOrPartition;
  if (!seen) return ErrorCode::kUnknownTopicId;
  return topics.find(seen->topic) ? ErrorCode::kInconsistentTopicId
                                  : ErrorCode::kUnknownTopicOrPartition;
}

void read(RequestContext context, std::vector<FetchWanted> wanted, FetchOperation::Options options,
          Reply<FetchResponse> reply) {
  const bool by_id = options.by_id;
  auto operation = std::make_shared<FetchOperation>(context.shard, context.session,
                                                    std::move(reply.raw()), std::move(options));
  const Topics& topics = *context.shard.topics();
  const FetchTopic* called = nullptr;
  TopicRef topic;
  for (FetchWanted& one : wanted) {
    if (one.topic.get() != called) {
      called = one.topic.get();
      topic = by_id ? topics.find(called->id) : topics.find(called->name);
    }
    PartitionRef handle = topic ? topic->partition(one.asked.index) : nullptr;
    const ErrorCode unknown =
        topic ? ErrorCode::kUnknownTopicOrPartition : unknown_topic(topics, by_id, one.seen);
    operation->add_partition(std::move(one), std::move(handle), unknown);
  }
  context.frame.reset();
  operation->start();
}

void read_full(RequestContext context, const FetchRequest& request, Reply<FetchResponse> reply) {
  Broker& broker = context.broker();
  if (request.session_id != 0) {  // whatever session that is, its reader does without it now
    BrokerShard& owner =
        broker.shard(FetchSessions::shard_of(request.session_id, broker.shard_count()));
    owner.io().post([&owner, id = request.session_id] { owner.fetch_sessions().close(id); });
  }
  std::vector<FetchWanted> wanted;
  for (const FetchRequest::Topic& topic : request.topics) {
    const auto called = std::make_shared<const FetchTopic>(std::string(topic.name), topic.id);
    for (const FetchRequest::Partition& asked : topic.partitions)
      wanted.push_back({called, asked, {}});
  }
  auto options = options_of(context, request);
  options.make_session = request.session_epoch == kFullEpoch && context.version >= 7;
  read(std::move(context), std::move(wanted), std::move(options), std::move(reply));
}

void go_on(RequestContext context, const FetchRequest& request, FetchSessions::Begun begun,
           Reply<FetchResponse> reply) {
  if (begun.error != ErrorCode::kNone) {
    FetchResponse none;
    none.error = begun.error;
    return reply(none);
  }
  auto options = options_of(context, request);
  options.session_id = begun.ended ? 0 : request.session_id;
  options.session_epoch = request.session_epoch;
  read(std::move(context), std::move(begun.wanted), std::move(options), std::move(reply));
}

/// The session may be another shard's: a client may go on with it on any connection.
void read_incrementally(RequestContext context, FetchRequest request, Reply<FetchResponse> reply) {
  Broker& broker = context.broker();
  const bool by_id = context.version >= 13;
  BrokerShard& owner =
      broker.shard(FetchSessions::shard_of(request.session_id, broker.shard_count()));
  const std::int64_t now_ms = broker.clock().steady_ms();
  if (&owner == &context.shard) {
    auto answer = owner.fetch_sessions().begin(request, by_id, now_ms);
    return go_on(std::move(context), request, std::move(answer), std::move(reply));
  }
  owner.io().post([&owner, by_id, now_ms, context = std::move(context),
                   request = std::move(request), reply = std::move(reply)]() mutable {
    auto answer = owner.fetch_sessions().begin(request, by_id, now_ms);
    BrokerShard& home = context.shard;
    home.io().post([context = std::move(context), request = std::move(request),
                    answer = std::move(answer), reply = std::move(reply)]() mutable {
      go_on(std::move(context), request, std::move(answer), std::move(reply));
    });
  });
}

}  // namespace

void handle_fetch(RequestContext context, FetchRequest request, Reply<FetchResponse> reply) {
  if (request.session_epoch == kFullEpoch || request.session_epoch == kFinalEpoch)
    return read_full(std::move(context), request, std::move(reply));
  read_incrementally(std::move(context), std::move(request), std::move(reply));
}

}  // namespace penstock::broker
