#include "broker/handlers/describe_log_dirs.h"

#include <set>
#include <utility>

#include "broker/for_each_owner.h"
#include "broker/pool.h"

namespace penstock::broker {

using protocol::DescribeLogDirsRequest;
using protocol::DescribeLogDirsResponse;
using protocol::ErrorCode;

namespace {

struct Item {
  PartitionRef handle;
  std::int64_t size_bytes = -1;  // not open
};

void measure(Item& item, Partition* partition) {
  if (partition != nullptr)
    item.size_bytes = static_cast<std::int64_t>(partition->log().size_bytes());
}

/// Each partition that is asked for and exists, once, those of a topic side by side.
std::vector<Item> asked(const Topics& topics, const DescribeLogDirsRequest& request) {
  std::vector<Item> out;
  if (!request.topics) {
    for (const auto& [name, topic] : topics.all()) {
      for (const PartitionRef& handle : topic->partitions) out.emplace_back().handle = handle;
    }
    return out;
  }
  std::set<std::pair<std::string_view, std::int32_t>> wanted;
  for (const DescribeLogDirsRequest::Topic& topic : *request.topics) {
    for (const std::int32_t index : topic.partitions) wanted.emplace(topic.name, index);
  }
  for (const auto& [name, index] : wanted) {
    if (PartitionRef handle = topics.find(name, PartitionId(index)))
      out.emplace_back().handle = std::move(handle);
  }
  return out;
}

std::int64_t bytes_or_unknown(const Result<std::uint64_t>& bytes) {
  return bytes ? static_cast<std::int64_t>(*bytes) : -1;
}

}  // namespace

void handle_describe_log_dirs(RequestContext context, DescribeLogDirsRequest request,
                              Reply<DescribeLogDirsResponse> reply) {
  Broker& broker = context.broker();
  BrokerShard& home = context.shard;
  DescribeLogDirsResponse response;
  response.directories.emplace_back().path = broker.log_directory().path();
  if (broker.storage_failure() != nullptr) {
    response.directories.front().error = ErrorCode::kStorageError;
    return reply(response);
  }
  for_each_owner(home, asked(*home.topics(), request), measure,
                 [&broker, response = std::move(response),
                  reply = std::move(reply)](std::vector<Item> measured) mutable {
                   DescribeLogDirsResponse::Directory& out = response.directories.front();
                   for (const Item& item : measured) {
                     if (item.size_bytes < 0) continue;
                     if (out.topics.empty() || out.topics.back().name != item.handle->topic)
                       out.topics.emplace_back().name = item.handle->topic;
                     out.topics.back().partitions.push_back(
                         {item.handle->index.value, item.size_bytes, 0, false});
                   }
                   // Asking the file system may block.
                   broker.pool().run([&broker, response = std::move(response),
                                      reply = std::move(reply)]() mutable {
                     DescribeLogDirsResponse::Directory& dir = response.directories.front();
                     dir.total_bytes = bytes_or_unknown(broker.files().total_bytes(dir.path));
                     dir.usable_bytes = bytes_or_unknown(broker.files().free_bytes(dir.path));
                     reply(response);
                   });
                 });
}

}  // namespace penstock::broker
