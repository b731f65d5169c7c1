#include "broker/handlers/list_transactions.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "broker/coordinator/topic_regex.h"
#include "broker/coordinator/transaction_coordinator.h"
#include "broker/gather.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::ListTransactionsRequest;
using protocol::ListTransactionsResponse;

namespace {

struct Filter {
  bool any_state = true;
  std::set<TransactionState> states;
  std::set<std::int64_t> producer_ids;  // empty: any
  std::int64_t duration_ms = -1;
  std::int64_t now_ms = 0;
  std::optional<NamePattern> pattern;

  [[nodiscard]] bool takes(const Transaction& transaction) const {
    const TransactionData& data = transaction.data;
    if (data.epoch == kNoProducerEpoch || data.state == TransactionState::kDead) return false;
    if (!any_state && !states.contains(data.state)) return false;
    if (!producer_ids.empty() && !producer_ids.contains(data.producer_id.value)) return false;
    if (pattern && !pattern->matches(transaction.id)) return false;
    return duration_ms < 0 || now_ms - data.start_ms > duration_ms;
  }
};

struct Listed {
  ErrorCode error = ErrorCode::kNone;
  std::vector<ListTransactionsResponse::Transaction> transactions;
};

Listed list_on(BrokerShard& shard, const Filter& filter) {
  Listed out;
  out.error = shard.transactions().look_at_all([&](const Transaction& transaction) {
    const TransactionData& data = transaction.data;
    if (filter.takes(transaction))
      out.transactions.push_back(
          {transaction.id, data.producer_id, std::string(to_string(data.state))});
  });
  return out;
}

}  // namespace

void handle_list_transactions(RequestContext context, ListTransactionsRequest request,
                              Reply<ListTransactionsResponse> reply) {
  Filter filter;
  ListTransactionsResponse response;
  filter.any_state = request.states.empty();
  for (const std::string_view name : request.states) {
    if (const auto state = transaction_state_of(name))
      filter.states.insert(*state);
    else
      response.unknown_states.emplace_back(name);
  }
  filter.producer_ids.insert(request.producer_ids.begin(), request.producer_ids.end());
  filter.duration_ms = request.duration_ms;
  if (request.pattern && !request.pattern->empty()) {
    auto pattern = NamePattern::compile(*request.pattern);
    if (!pattern) {
      response.error = ErrorCode::kInvalidRegularExpression;
      return reply(response);
    }
    filter.pattern = std::move(*pattern);
  }
  filter.now_ms = context.broker().clock().wall_ms();
  const std::size_t shards = context.broker().shard_count();
  auto gather = std::make_shared<Gather<Listed>>(
      context.shard, shards,
      [response = std::move(response), reply = std::move(reply)](std::vector<Listed> all) mutable {
        for (Listed& one : all) {
          if (one.error != ErrorCode::kNone) response.error = one.error;
          std::move(one.transactions.begin(), one.transactions.end(),
                    std::back_inserter(response.transactions));
        }
        if (response.error != ErrorCode::kNone) response.transactions.clear();
        reply(response);
      });
  for (std::size_t i = 0; i < shards; ++i) {
    BrokerShard& shard = context.broker().shard(i);
    shard.io().post([&shard, gather, i, filter] { gather->put(i, list_on(shard, filter)); });
  }
}

}  // namespace penstock::broker
