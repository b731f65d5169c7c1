#include "broker/handlers/describe_transactions.h"

#include <memory>
#include <utility>

#include "broker/coordinator/at_transaction.h"
#include "broker/gather.h"
#include "broker/handlers/drop_repeats.h"

namespace penstock::broker {

using protocol::DescribeTransactionsRequest;
using protocol::DescribeTransactionsResponse;
using protocol::ErrorCode;

namespace {

using Described = DescribeTransactionsResponse::Transaction;

void describe(Described& out, const Transaction* transaction) {
  if (transaction == nullptr || transaction->is_void()) {
    out.error = ErrorCode::kTransactionalIdNotFound;
    return;
  }
  const TransactionData& data = transaction->data;
  out.state = to_string(data.state);
  out.timeout_ms = data.timeout_ms;
  out.start_ms = data.start_ms;
  out.producer_id = data.producer_id;
  out.producer_epoch = data.epoch;
  for (const auto& [topic, partition] : data.partitions) {  // in order of topics
    if (out.topics.empty() || out.topics.back().name != topic)
      out.topics.emplace_back().name = topic;
    out.topics.back().partitions.push_back(partition);
  }
}

}  // namespace

void handle_describe_transactions(RequestContext context, DescribeTransactionsRequest request,
                                  Reply<DescribeTransactionsResponse> reply) {
  drop_repeats(request.transactional_ids, [](std::string_view id) { return id; });
  if (request.transactional_ids.empty()) return reply(DescribeTransactionsResponse());
  auto gather = std::make_shared<Gather<Described>>(
      context.shard, request.transactional_ids.size(),
      [reply = std::move(reply)](std::vector<Described> all) mutable {
        DescribeTransactionsResponse response;
        response.transactions = std::move(all);
        reply(response);
      });
  for (std::size_t i = 0; i < request.transactional_ids.size(); ++i) {
    Described out;
    out.transactional_id = request.transactional_ids[i];
    if (out.transactional_id.empty()) {
      out.error = ErrorCode::kInvalidRequest;
      gather->put(i, std::move(out));
      continue;
    }
    at_transaction(context.shard, request.transactional_ids[i],
                   [gather, i, out = std::move(out)](const TransactionPlace& place) mutable {
                     if (place.coordinator == nullptr) {
                       out.error = ErrorCode::kTransactionalIdNotFound;
                     } else if (const ErrorCode error = place.coordinator->look(
                                    place.partition, out.transactional_id,
                                    [&](const Transaction* found) { describe(out, found); });
                                error != ErrorCode::kNone) {
                       out.error = error;
                     }
                     gather->put(i, std::move(out));
                   });
  }
}

}  // namespace penstock::broker
