#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "broker/coordinator/transaction_coordinator.h"

namespace penstock::broker {

/// Where requests of one transactional id go: its coordinator and partition, on the shard that owns
/// both.
struct TransactionPlace {
  TransactionCoordinator* coordinator = nullptr;  // null while there is no __transaction_state
  PartitionRef partition;
};

/// Runs `work(TransactionPlace)` on the shard where the id lives; on this one when there is no such
/// place.
template <class Work>
void at_transaction(BrokerShard& shard, std::string_view transactional_id, Work work) {
  PartitionRef partition = partition_of_transaction(*shard.topics(), transactional_id);
  if (!partition) return work(TransactionPlace{});
  PartitionHandle::on_owner(partition, [partition, work = std::move(work)](Partition*) mutable {
    TransactionPlace place{&partition->owner->transactions(), partition};
    work(place);
  });
}

/// Gives `event` to the id and its answer to `answer`, on the id's shard.
template <class Answer, class Event>
void ask_transaction(BrokerShard& shard, std::string_view transactional_id, Event event,
                     UniqueFunction<void(Answer&)> answer) {
  at_transaction(shard, transactional_id,
                 [id = std::string(transactional_id), event = std::move(event),
                  answer = std::move(answer)](const TransactionPlace& place) mutable {
                   if (place.coordinator == nullptr) {
                     Answer none;
                     none.error = protocol::ErrorCode::kNotCoordinator;
                     return answer(none);
                   }
                   place.coordinator->submit<Answer>(place.partition, id, std::move(event),
                                                     std::move(answer));
                 });
}

/// Creates __transaction_state if it is not there. `done` on any shard or the control thread.
void ensure_transaction_topic(BrokerShard& shard,
                              UniqueFunction<void(std::optional<ApiError>)> done);
/// Begins to read all of __transaction_state, each partition on its owner.
void load_transactions(const Topics& topics);

/// PRODUCER_FENCED in the words of a client that does not know it yet: versions below `known_from`.
[[nodiscard]] inline protocol::ErrorCode fenced_for(protocol::ErrorCode error, std::int16_t version,
                                                    std::int16_t known_from) {
  return error == protocol::ErrorCode::kProducerFenced && version < known_from
             ? protocol::ErrorCode::kInvalidProducerEpoch
             : error;
}

/// What a request that writes to a transaction says of itself.
struct TransactionClaim {
  /// How old the client is (KIP-890): one that knows neither TRANSACTION_ABORTABLE nor implicit
  /// adding, one that knows the error, one whose requests add the partitions.
  enum class Kind : std::uint8_t { kVerify, kVerifyAbortable, kAdd };
  std::string transactional_id;
  ProducerId producer_id{-1};
  ProducerEpoch epoch{-1};
  Kind kind = Kind::kVerify;
};
/// Asks the coordinator whether the partitions are in the transaction, or adds them. `done` on
/// `shard`: an error for each partition, in their order, as a producer understands it. One that
/// adds waits a little for the transaction before it to end.
void claim_partitions(BrokerShard& shard, TransactionClaim claim,
                      std::vector<TopicPartition> partitions,
                      UniqueFunction<void(std::vector<protocol::ErrorCode>)> done);

}  // namespace penstock::broker
