#include "broker/coordinator/at_transaction.h"

#include <algorithm>
#include <memory>

namespace penstock::broker {

using protocol::ErrorCode;

void load_transactions(const Topics& topics) {
  const TopicRef topic = topics.find(kTransactionStateTopic);
  if (!topic) return;
  for (const PartitionRef& partition : topic->partitions) {
    PartitionHandle::on_owner(
        partition, [partition](Partition*) { partition->owner->transactions().load(partition); });
  }
}

void ensure_transaction_topic(BrokerShard& shard,
                              UniqueFunction<void(std::optional<ApiError>)> done) {
  ensure_internal(shard, kTransactionStateTopic, load_transactions, std::move(done));
}

namespace {

// Kafka's add.partitions.to.txn.retry.backoff.max.ms; its pauses are 20 ms, but the markers of one
// broker are there sooner.
constexpr std::int64_t kAddRetryForMs = 100;
constexpr std::int64_t kAddRetryPauseMs = 2;

class Claiming : public std::enable_shared_from_this<Claiming> {
 public:
  Claiming(BrokerShard& shard, TransactionClaim claim, std::vector<TopicPartition> partitions,
           UniqueFunction<void(std::vector<ErrorCode>)> done)
      : shard_(shard),
        claim_(std::move(claim)),
        partitions_(std::move(partitions)),
        done_(std::move(done)),
        until_ms_(shard.broker().clock().steady_ms() + kAddRetryForMs) {}

  void ask() {
    if (adds()) {
      AddPartitionsEvent event;
      event.producer_id = claim_.producer_id;
      event.epoch = claim_.epoch;
      event.partitions = partitions_;
      event.client_version = kTransactionVersionEpochBump;
      return ask_with(std::move(event));
    }
    VerifyPartitionsEvent event;
    event.producer_id = claim_.producer_id;
    event.epoch = claim_.epoch;
    event.partitions = partitions_;
    ask_with(std::move(event));
  }

 private:
  [[nodiscard]] bool adds() const { return claim_.kind == TransactionClaim::Kind::kAdd; }

  template <class Event>
  void ask_with(Event event) {
    ask_transaction<PartitionsAnswer>(
        shard_, claim_.transactional_id, std::move(event),
        [self = shared_from_this()](PartitionsAnswer& answer) {
          self->shard_.io().post([self, answer] { self->answered(answer); });
        });
  }

  void answered(const PartitionsAnswer& answer) {
    if (adds() && answer.error == ErrorCode::kConcurrentTransactions &&
        shard_.broker().clock().steady_ms() < until_ms_) {
      shard_.io().after(kAddRetryPauseMs, [self = shared_from_this()] { self->ask(); });
      return;
    }
    std::vector<ErrorCode> out;
    for (const TopicPartition& partition : partitions_) {
      const bool missing = std::find(answer.missing.begin(), answer.missing.end(), partition) !=
                           answer.missing.end();
      out.push_back(missing                                      ? missing_error()
                    : answer.error == ErrorCode::kProducerFenced ? ErrorCode::kInvalidProducerEpoch
                                                                 : answer.error);
    }
    done_(std::move(out));
  }

  [[nodiscard]] ErrorCode missing_error() const {
    return claim_.kind == TransactionClaim::Kind::kVerify ? ErrorCode::kInvalidTxnState
                                                          : ErrorCode::kTransactionAbortable;
  }

  BrokerShard& shard_;
  const TransactionClaim claim_;
  const std::vector<TopicPartition> partitions_;
  UniqueFunction<void(std::vector<ErrorCode>)> done_;
  const std::int64_t until_ms_;  // steady
};

}  // namespace

void claim_partitions(BrokerShard& shard, TransactionClaim claim,
                      std::vector<TopicPartition> partitions,
                      UniqueFunction<void(std::vector<ErrorCode>)> done) {
  std::make_shared<Claiming>(shard, std::move(claim), std::move(partitions), std::move(done))
      ->ask();
}

}  // namespace penstock::broker
