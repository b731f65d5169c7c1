#include "broker/handlers/add_partitions_to_txn.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "broker/coordinator/at_transaction.h"
#include "broker/gather.h"

namespace penstock::broker {

using protocol::AddPartitionsToTxnRequest;
using protocol::AddPartitionsToTxnResponse;
using protocol::ErrorCode;
using Asked = AddPartitionsToTxnRequest::Transaction;
using Added = AddPartitionsToTxnResponse::Transaction;

namespace {

constexpr std::int16_t kProducerFencedFrom = 2;
constexpr std::int16_t kBatchedFrom = 4;

/// One error for all partitions, or its own for each that does not exist: then the others are not
/// tried.
Added judge(const RequestContext& context, const Asked& asked, bool& refused) {
  Added out;
  out.transactional_id = asked.transactional_id;
  for (const auto& topic : asked.topics) {
    auto& to = out.topics.emplace_back();
    to.name = topic.name;
    for (const std::int32_t index : topic.partitions) {
      const bool there = context.shard.topics()->find(topic.name, PartitionId(index)) != nullptr;
      to.partitions.push_back(
          {index, there ? ErrorCode::kNone : ErrorCode::kUnknownTopicOrPartition});
      refused = refused || !there;
    }
  }
  return out;
}

template <class Each>
void for_each_partition(Added& result, Each each) {
  for (auto& topic : result.topics) {
    for (auto& partition : topic.partitions) each(topic.name, partition);
  }
}

template <class Event>
void ask(RequestContext& context, const Asked& asked, Added result,
         std::vector<TopicPartition> partitions, std::shared_ptr<Gather<Added>> gather,
         std::size_t index) {
  Event event;
  event.producer_id = asked.producer_id;
  event.epoch = asked.producer_epoch;
  event.partitions = std::move(partitions);
  if constexpr (requires { event.client_version; })
    event.client_version = context.version >= kBatchedFrom ? kTransactionVersionEpochBump : 0;
  ask_transaction<PartitionsAnswer>(
      context.shard, asked.transactional_id, std::move(event),
      [result = std::move(result), gather = std::move(gather), index,
       version = context.version](PartitionsAnswer& answer) mutable {
        const ErrorCode error = fenced_for(answer.error, version, kProducerFencedFrom);
        for_each_partition(result, [&](const std::string& topic, auto& partition) {
          const bool missing =
              std::find(answer.missing.begin(), answer.missing.end(),
                        TopicPartition(topic, partition.index)) != answer.missing.end();
          partition.error = missing ? ErrorCode::kTransactionAbortable : error;
        });
        gather->put(index, std::move(result));
      });
}

void add(RequestContext& context, const Asked& asked, const std::shared_ptr<Gather<Added>>& gather,
         std::size_t index) {
  bool refused = false;
  Added result = judge(context, asked, refused);
  if (refused || asked.transactional_id.empty()) {
    for_each_partition(result, [&](const std::string&, auto& partition) {
      if (!refused)
        partition.error = ErrorCode::kInvalidRequest;
      else if (partition.error == ErrorCode::kNone)
        partition.error = ErrorCode::kOperationNotAttempted;
    });
    return gather->put(index, std::move(result));
  }
  std::set<TopicPartition> distinct;  // as many as there are, however often each is named
  for_each_partition(result, [&](const std::string& topic, auto& partition) {
    distinct.emplace(topic, partition.index);
  });
  std::vector<TopicPartition> partitions(distinct.begin(), distinct.end());
  if (asked.verify_only)
    ask<VerifyPartitionsEvent>(context, asked, std::move(result), std::move(partitions), gather,
                               index);
  else
    ask<AddPartitionsEvent>(context, asked, std::move(result), std::move(partitions), gather,
                            index);
}

}  // namespace

void handle_add_partitions_to_txn(RequestContext context, AddPartitionsToTxnRequest request,
                                  Reply<AddPartitionsToTxnResponse> reply) {
  std::vector<Asked> all = std::move(request.transactions);
  if (context.version < kBatchedFrom) {
    all = {Asked{request.transactional_id, request.producer_id, request.producer_epoch, false,
                 std::move(request.topics)}};
  }
  if (all.empty()) return reply(AddPartitionsToTxnResponse());
  auto gather = std::make_shared<Gather<Added>>(
      context.shard, all.size(),
      [version = context.version, reply = std::move(reply)](std::vector<Added> results) mutable {
        AddPartitionsToTxnResponse out;
        if (version < kBatchedFrom)
          out.topics = std::move(results.front().topics);
        else
          out.transactions = std::move(results);
        reply(out);
      });
  for (std::size_t i = 0; i < all.size(); ++i) add(context, all[i], gather, i);
}

}  // namespace penstock::broker
