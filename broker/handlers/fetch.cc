#include "broker/handlers/fetch.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "broker/fetch_operation.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::FetchRequest;
using protocol::FetchResponse;

void handle_fetch(RequestContext context, FetchRequest request, Reply<FetchResponse> reply) {
  if (request.session_id != 0) {
    FetchResponse none;
    none.error = ErrorCode::kFetchSessionIdNotFound;
    return reply(none);
  }
  FetchOperation::Options options;
  options.wait_ms_max = std::max(request.wait_ms_max, 0);
  options.bytes_min = static_cast<std::uint64_t>(std::max(request.bytes_min, 0));
  options.bytes_max = static_cast<std::uint64_t>(
      std::clamp(request.bytes_max, 0, context.broker().settings().fetch_bytes_max));
  options.read_committed = request.isolation_level == 1;
  options.replica = (context.version >= 15 ? request.replica_state.id : request.replica).value >= 0;
  auto operation = std::make_shared<FetchOperation>(context.shard, context.session,
                                                    std::move(reply.raw()), options);
  const Topics& topics = *context.shard.topics();
  const bool by_id = context.version >= 13;
  for (const FetchRequest::Topic& topic : request.topics) {
    const auto called = std::make_shared<const FetchTopic>(std::string(topic.name), topic.id);
    const TopicRef found = by_id ? topics.find(topic.id) : topics.find(topic.name);
    const ErrorCode unknown =
        by_id && !found ? ErrorCode::kUnknownTopicId : ErrorCode::kUnknownTopicOrPartition;
    for (const FetchRequest::Partition& partition : topic.partitions)
      operation->add_partition(called, found ? found->partition(partition.index) : nullptr, unknown,
                               partition);
  }
  context.frame.reset();
  operation->start();
}

}  // namespace penstock::broker
