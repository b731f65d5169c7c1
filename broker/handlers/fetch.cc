#include "broker/handlers/fetch.h"

#include <algorithm>
#include <map>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "broker/client_quotas.h"
#include "broker/fetch_operation.h"
#include "broker/handlers/isolation.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::FetchRequest;
using protocol::FetchResponse;

namespace {

constexpr std::int32_t kFullEpoch = 0;    // asks for a session
constexpr std::int32_t kFinalEpoch = -1;  // wants none
constexpr std::int16_t kByIdFrom = 13;

FetchOperation::Options options_of(const RequestContext& context, const FetchRequest& request) {
  FetchOperation::Options options;
  options.wait_ms_max = std::max(request.wait_ms_max, 0);
  options.bytes_max = static_cast<std::uint64_t>(
      std::clamp(request.bytes_max, 0, context.broker().settings().fetch_bytes_max));
  // More than may be sent is not waited for.
  options.bytes_min =
      std::min(static_cast<std::uint64_t>(std::max(request.bytes_min, 0)), options.bytes_max);
  options.negative_size = request.bytes_max < 0;
  options.read_committed = request.isolation_level == kReadCommitted;
  options.replica = (context.version >= 15 ? request.replica_state.id : request.replica).value >= 0;
  options.by_id = context.version >= kByIdFrom;
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

/// Whether a partition stands in the request more than once.
bool names_twice(const FetchRequest& request) {
  std::vector<std::pair<std::string_view, Uuid>> topics;
  std::vector<std::int32_t> indexes;
  for (const FetchRequest::Topic& topic : request.topics) {
    topics.emplace_back(topic.name, topic.id);
    indexes.clear();
    for (const FetchRequest::Partition& asked : topic.partitions)
      indexes.push_back(asked.index.value);
    std::sort(indexes.begin(), indexes.end());
    if (std::adjacent_find(indexes.begin(), indexes.end()) != indexes.end()) return true;
  }
  std::sort(topics.begin(), topics.end());
  return std::adjacent_find(topics.begin(), topics.end()) != topics.end();
}

/// Each partition once: of several, the last counts, in the place of the first.
std::vector<FetchWanted> wanted_of(const FetchRequest& request) {
  using Name = std::tuple<std::string_view, Uuid, std::int32_t>;
  const bool twice = names_twice(request);
  std::map<Name, std::size_t> places;
  std::vector<FetchWanted> wanted;
  for (const FetchRequest::Topic& topic : request.topics) {
    const auto called = std::make_shared<const FetchTopic>(std::string(topic.name), topic.id);
    for (const FetchRequest::Partition& asked : topic.partitions) {
      if (twice) {
        const Name name(topic.name, topic.id, asked.index.value);
        const auto [place, first] = places.emplace(name, wanted.size());
        if (!first) {
          wanted[place->second].asked = asked;
          continue;
        }
      }
      wanted.push_back({called, asked, {}});
    }
  }
  return wanted;
}

/// An isolation level that does not exist fails the whole request. Before v13 clients look at the
/// partitions.
FetchResponse refuse_isolation(const RequestContext& context, const FetchRequest& request) {
  FetchResponse response;
  response.error = ErrorCode::kUnknownServerError;
  response.session_id = request.session_id;
  if (context.version >= kByIdFrom) return response;
  for (const FetchRequest::Topic& topic : request.topics) {
    FetchResponse::Topic& out = response.topics.emplace_back();
    out.name = topic.name;
    for (const FetchRequest::Partition& asked : topic.partitions) {
      FetchResponse::Partition& partition = out.partitions.emplace_back();
      partition.index = asked.index;
      partition.error = response.error;
      partition.aborted.emplace();
      partition.records.emplace();
    }
  }
  return response;
}

void read_full(RequestContext context, const FetchRequest& request, Reply<FetchResponse> reply) {
  Broker& broker = context.broker();
  if (request.session_id != 0) {  // whatever session that is, its reader does without it now
    BrokerShard& owner =
        broker.shard(FetchSessions::shard_of(request.session_id, broker.shard_count()));
    owner.io().post([&owner, id = request.session_id] { owner.fetch_sessions().close(id); });
  }
  std::vector<FetchWanted> wanted = wanted_of(request);
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
  const bool by_id = context.version >= kByIdFrom;
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
  if (!is_isolation_level(request.isolation_level))
    return reply(refuse_isolation(context, request));
  if (request.session_epoch == kFullEpoch || request.session_epoch == kFinalEpoch)
    return read_full(std::move(context), request, std::move(reply));
  read_incrementally(std::move(context), std::move(request), std::move(reply));
}

}  // namespace penstock::broker
