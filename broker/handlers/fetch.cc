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
  auto operation = std::make_shared<FetchOperation>(context.shard, context.session,
                                                    std::move(reply.raw()), options);
  for (const FetchRequest::Topic& topic : request.topics) {
    operation->add_topic(topic.name);
    for (const FetchRequest::Partition& partition : topic.partitions) {
      operation->add_partition(context.shard.topics()->find(topic.name, partition.index),
                               partition);
    }
  }
  context.frame.reset();
  operation->start();
}

}  // namespace penstock::broker
