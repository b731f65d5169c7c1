#include "broker/handlers/describe_producers.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "broker/for_each_owner.h"
#include "broker/handlers/drop_repeats.h"

namespace penstock::broker {

using protocol::DescribeProducersRequest;
using protocol::DescribeProducersResponse;
using protocol::ErrorCode;

namespace {

struct Item {
  PartitionRef handle;
  std::size_t topic = 0;  // in the response
  DescribeProducersResponse::Partition answer;
};

void describe(Item& item, Partition* partition) {
  if (partition == nullptr) {
    item.answer.error = ErrorCode::kNotLeaderOrFollower;
    return;
  }
  for (const auto& [id, entry] : partition->log().producers().entries()) {
    DescribeProducersResponse::Producer& out = item.answer.producers.emplace_back();
    out.producer_id = ProducerId(id);
    out.producer_epoch = entry.epoch.value;
    if (!entry.batches.empty()) out.last_sequence = entry.batches.back().last_sequence;
    out.last_timestamp_ms = entry.last_timestamp_ms;
    out.coordinator_epoch = entry.coordinator_epoch;
    out.transaction_first = entry.transaction_first;
  }
  std::sort(item.answer.producers.begin(), item.answer.producers.end(),
            [](const auto& a, const auto& b) { return a.producer_id < b.producer_id; });
}

}  // namespace

void handle_describe_producers(RequestContext context, DescribeProducersRequest request,
                               Reply<DescribeProducersResponse> reply) {
  DescribeProducersResponse response;
  std::vector<Item> items;
  std::set<std::pair<std::string_view, std::int32_t>> seen;
  std::size_t repeats = 0;
  for (const DescribeProducersRequest::Topic& topic : request.topics) {
    const Status name = check_topic_name(topic.name);
    for (const std::int32_t index : topic.partitions) {
      if (!seen.emplace(topic.name, index).second && ++repeats > kRepeatsMax) continue;
      Item& item = items.emplace_back();
      item.topic = response.topics.size();
      item.answer.index = index;
      if (!name) {
        item.answer.error = ErrorCode::kInvalidTopic;
        item.answer.error_text = name.error().text;
        continue;
      }
      item.handle = context.shard.topics()->find(topic.name, PartitionId(index));
      if (item.handle) continue;
      item.answer.error = ErrorCode::kUnknownTopicOrPartition;
      if (!context.shard.topics()->find(topic.name)) item.answer.error_text = kNotHostedHere;
    }
    response.topics.emplace_back().name = topic.name;
  }
  for_each_owner(context.shard, std::move(items), describe,
                 [response = std::move(response),
                  reply = std::move(reply)](std::vector<Item> described) mutable {
                   for (Item& item : described)
                     response.topics[item.topic].partitions.push_back(std::move(item.answer));
                   reply(response);
                 });
}

}  // namespace penstock::broker
