#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "broker/coordinator/transaction.h"
#include "framework/protocol/error_code.h"

namespace penstock::broker {

// What can happen to a transactional id.

/// InitProducerId.
struct InitTransactionEvent {
  AnswerId answer = 0;
  std::int32_t timeout_ms = 0;
  std::optional<std::pair<ProducerId, ProducerEpoch>> expected;  // KIP-360
  ProducerId new_producer_id = kNoProducerId;                    // if needs_producer_id()
};
/// AddPartitionsToTxn, AddOffsetsToTxn, and what Produce and TxnOffsetCommit add by themselves.
struct AddPartitionsEvent {
  AnswerId answer = 0;
  ProducerId producer_id = kNoProducerId;
  ProducerEpoch epoch = kNoProducerEpoch;
  std::vector<TopicPartition> partitions;
  std::int16_t client_version = 0;
};
/// Whether the partitions are in the transaction; nothing changes.
struct VerifyPartitionsEvent {
  AnswerId answer = 0;
  ProducerId producer_id = kNoProducerId;
  ProducerEpoch epoch = kNoProducerEpoch;
  std::vector<TopicPartition> partitions;
};
/// EndTxn.
struct EndTransactionEvent {
  AnswerId answer = 0;
  ProducerId producer_id = kNoProducerId;
  ProducerEpoch epoch = kNoProducerEpoch;
  bool commit = false;
  std::int16_t client_version = 0;
  ProducerId new_producer_id = kNoProducerId;  // if needs_producer_id()
};
/// Aborts the transaction if its timeout has passed.
struct TimeOutEvent {
  ProducerId new_producer_id = kNoProducerId;  // if needs_producer_id()
};
/// Forgets the id if nobody used it for transactional.id.expiration.ms.
struct ExpireTransactionEvent {};
/// It was read back after a restart: goes on with what was begun.
struct TransactionLoadedEvent {};
/// An append came through, or did not.
struct TransactionStoredEvent {
  StoreId store = 0;
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
};
/// A round of markers ended; `written` has those partitions that need none any more.
struct MarkersWrittenEvent {
  std::uint64_t round = 0;
  std::vector<TopicPartition> written;
};
/// wake_ms() has come, or may have.
struct TransactionTickEvent {};

using TransactionEvent =
    std::variant<InitTransactionEvent, AddPartitionsEvent, VerifyPartitionsEvent,
                 EndTransactionEvent, TimeOutEvent, ExpireTransactionEvent, TransactionLoadedEvent,
                 TransactionStoredEvent, MarkersWrittenEvent, TransactionTickEvent>;

// What has to be done about it.

/// Of InitProducerId and EndTxn.
struct ProducerAnswer {
  AnswerId to = 0;
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  ProducerId producer_id = kNoProducerId;
  ProducerEpoch epoch = kNoProducerEpoch;
};
struct PartitionsAnswer {
  AnswerId to = 0;
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  std::vector<TopicPartition> missing;  // not in the transaction (VerifyPartitionsEvent)
};
/// Append this to the id's partition of __transaction_state and report with TransactionStoredEvent.
struct StoreTransaction {
  StoreId store = 0;
  std::string key;
  std::optional<std::string> value;  // none: a tombstone
};
/// Write a marker to each of the partitions and report with MarkersWrittenEvent.
struct WriteMarkers {
  std::uint64_t round = 0;
  ProducerId producer_id = kNoProducerId;
  ProducerEpoch epoch = kNoProducerEpoch;
  bool commit = false;
  std::int16_t client_version = 0;
  std::vector<TopicPartition> partitions;
};
using TransactionEffect =
    std::variant<ProducerAnswer, PartitionsAnswer, StoreTransaction, WriteMarkers>;
using TransactionEffects = std::vector<TransactionEffect>;

/// Moves `transaction` on. Every AnswerId that went in comes out exactly once, in this or in a
/// later call. One that is_void() afterwards, or in kDead, is to be forgotten.
[[nodiscard]] TransactionEffects step(Transaction& transaction, TransactionEvent event, Moment now,
                                      const TransactionLimits& limits);

/// Whether such an event may need a producer id that nobody had before.
[[nodiscard]] bool needs_producer_id(const Transaction& transaction, const TransactionEvent& event);

/// When TransactionTickEvent is due next (steady); nullopt: nothing is waited for.
[[nodiscard]] std::optional<std::int64_t> wake_ms(const Transaction& transaction);

}  // namespace penstock::broker
