#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "broker/coordinator/group.h"
#include "framework/base/ids.h"

// One transactional id as plain data. Nothing here reads a clock, a socket or a file:
// transaction_step.h changes it.
namespace penstock::broker {

/// Numbered as in __transaction_state.
enum class TransactionState : std::int8_t {
  kEmpty = 0,
  kOngoing = 1,
  kPrepareCommit = 2,
  kPrepareAbort = 3,
  kCompleteCommit = 4,
  kCompleteAbort = 5,
  kDead = 6,
  kPrepareEpochFence = 7,  // never stored
};
/// Kafka's name, e.g. "PrepareCommit".
[[nodiscard]] std::string_view to_string(TransactionState state);
[[nodiscard]] std::optional<TransactionState> transaction_state_of(std::string_view name);

inline constexpr ProducerId kNoProducerId{-1};
inline constexpr ProducerEpoch kNoProducerEpoch{-1};
/// No producer gets a higher one, so that the coordinator can always fence it.
inline constexpr ProducerEpoch kProducerEpochMax{32766};

/// Levels of the feature transaction.version: 0 as before KIP-890, 1 flexible records in
/// __transaction_state, 2 a new epoch with every transaction and partitions added by Produce.
inline constexpr std::int16_t kTransactionVersionFlexible = 1;
inline constexpr std::int16_t kTransactionVersionEpochBump = 2;

struct TransactionLimits {
  std::int32_t timeout_ms_max = 900'000;
  std::int64_t id_expiration_ms = 7LL * 24 * 3600 * 1000;
  std::int16_t version = kTransactionVersionEpochBump;  // of the feature, as finalized
};

/// What is stored of a transactional id.
struct TransactionData {
  ProducerId producer_id = kNoProducerId;
  ProducerId previous_producer_id = kNoProducerId;
  ProducerId next_producer_id = kNoProducerId;  // takes over when the transaction is complete
  ProducerEpoch epoch = kNoProducerEpoch;
  ProducerEpoch last_epoch = kNoProducerEpoch;  // in memory only, as in Kafka
  std::int32_t timeout_ms = 0;
  TransactionState state = TransactionState::kEmpty;
  std::set<TopicPartition> partitions;  // in a Prepare state: those without their marker yet
  std::int64_t start_ms = -1;           // wall
  std::int64_t last_update_ms = -1;     // wall
  std::int16_t client_version = 0;      // transaction.version of the client that moved it
  bool operator==(const TransactionData&) const = default;
};

/// What becomes true once an append is confirmed.
struct PendingTransition {
  enum class Kind : std::uint8_t { kInit, kAdd, kPrepare, kComplete, kExpire };
  StoreId store = 0;
  Kind kind = Kind::kInit;
  TransactionData next;
  AnswerId answer = 0;
  bool fence = false;  // the client that asked is told CONCURRENT_TRANSACTIONS: it asks again
};

struct Transaction {
  std::string id;
  TransactionData data;
  std::optional<PendingTransition> pending;
  StoreId next_store = 1;
  std::uint64_t round = 0;         // of the markers that are being written
  bool writing_markers = false;    // a round is under way
  std::int64_t retry_ms = -1;      // steady; -1: nothing to try again
  std::int32_t failed_rounds = 0;  // in a row

  [[nodiscard]] bool exhausted() const { return data.epoch >= kProducerEpochMax; }
  /// Whether nothing would be lost if it were forgotten.
  [[nodiscard]] bool is_void() const { return data.epoch == kNoProducerEpoch && !pending; }
  [[nodiscard]] bool prepared() const {
    return data.state == TransactionState::kPrepareCommit ||
           data.state == TransactionState::kPrepareAbort;
  }
};

}  // namespace penstock::broker
