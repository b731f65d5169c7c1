#include "broker/coordinator/transaction_step.h"

#include <algorithm>

#include "broker/coordinator/transaction_stepper.h"

namespace penstock::broker {

using Code = protocol::ErrorCode;
using State = TransactionState;

namespace {

constexpr std::int64_t kRetryFirstMs = 20;
constexpr std::int64_t kRetryLastMs = 1'000;

/// How a client learns that the append failed: each of these has it look for its coordinator, or
/// try again.
Code store_error(Code append) {
  switch (append) {
    case Code::kUnknownTopicOrPartition:
    case Code::kNotEnoughReplicas:
    case Code::kNotEnoughReplicasAfterAppend:
    case Code::kRequestTimedOut:
      return Code::kCoordinatorNotAvailable;
    case Code::kNotLeaderOrFollower:
    case Code::kStorageError:
      return Code::kNotCoordinator;
    case Code::kMessageTooLarge:
    case Code::kRecordListTooLarge:
      return Code::kUnknownServerError;
    default:
      return append;
  }
}

}  // namespace

void TransactionStepper::store(PendingTransition::Kind kind, TransactionData next, AnswerId answer,
                               bool fence) {
  // The id that was in use when the record was written, as in Kafka: a retry over the change of the
  // id is known by it.
  next.previous_producer_id = txn_.data.producer_id;
  PendingTransition pending;
  pending.store = txn_.next_store++;
  pending.kind = kind;
  pending.answer = answer;
  pending.fence = fence;
  StoreTransaction effect;
  effect.store = pending.store;
  effect.key = encode_transaction_key(txn_.id);
  if (kind != PendingTransition::Kind::kExpire)
    effect.value = encode_transaction(next, limits_.version);
  pending.next = std::move(next);
  txn_.pending = std::move(pending);
  emit(std::move(effect));
}

void TransactionStepper::on(InitTransactionEvent& event) {
  if (event.timeout_ms <= 0 || event.timeout_ms > limits_.timeout_ms_max)
    return fail(event.answer, Code::kInvalidTransactionTimeout);
  if (txn_.pending) return fail(event.answer, Code::kConcurrentTransactions);
  const bool no_id = event.new_producer_id == kNoProducerId;
  if (no_id && (txn_.is_void() || txn_.exhausted()))
    return fail(event.answer, Code::kConcurrentTransactions);
  const TransactionData& now = txn_.data;
  if (event.expected && now.epoch != kNoProducerEpoch) {
    const auto& [id, epoch] = *event.expected;
    // The last may be a retry after the id was changed.
    if (id != now.producer_id && !(id == now.previous_producer_id && epoch >= kProducerEpochMax))
      return fail(event.answer, Code::kProducerFenced);
  }
  if (txn_.prepared()) return fail(event.answer, Code::kConcurrentTransactions);
  // The client asks again, and gets an epoch of its own then.
  if (now.state == State::kOngoing) return fence(event.answer, event.new_producer_id);

  TransactionData next = now;
  next.state = State::kEmpty;
  next.timeout_ms = event.timeout_ms;
  next.partitions.clear();
  next.start_ms = -1;
  next.last_update_ms = now_.wall_ms;
  next.client_version = now.client_version;
  const std::optional<ProducerEpoch> expected =
      event.expected ? std::optional(event.expected->second) : std::nullopt;
  if (now.epoch == kNoProducerEpoch) {
    txn_.data.producer_id = next.producer_id = event.new_producer_id;
    next.epoch = ProducerEpoch(0);
    next.last_epoch = kNoProducerEpoch;
  } else if (txn_.exhausted() && (!expected || *expected == now.epoch)) {
    next.producer_id = event.new_producer_id;
    next.epoch = ProducerEpoch(0);
    next.last_epoch = expected ? now.epoch : kNoProducerEpoch;
  } else if (!expected || *expected == now.epoch) {
    next.epoch = bumped(now.epoch);
    next.last_epoch = expected ? now.epoch : kNoProducerEpoch;
  } else if (*expected != now.last_epoch) {
    return fail(event.answer, Code::kProducerFenced);
  }  // else a retry of a call that succeeded: the same epoch again
  store(PendingTransition::Kind::kInit, std::move(next), event.answer);
}

Code TransactionStepper::check_producer(ProducerId id, ProducerEpoch epoch) const {
  if (txn_.is_void() || txn_.data.producer_id != id) return Code::kInvalidProducerIdMapping;
  if (txn_.data.epoch != epoch) return Code::kProducerFenced;
  return txn_.prepared() ? Code::kConcurrentTransactions : Code::kNone;
}

void TransactionStepper::on(AddPartitionsEvent& event) {
  // First of all: the producer may already use an id that is still on its way to the log.
  if (txn_.pending) return answer(event.answer, Code::kConcurrentTransactions);
  const Code error = check_producer(event.producer_id, event.epoch);
  if (error != Code::kNone) return answer(event.answer, error);
  TransactionData next = txn_.data;
  next.partitions.insert(event.partitions.begin(), event.partitions.end());
  if (next.state == State::kOngoing && next.partitions.size() == txn_.data.partitions.size())
    return answer(event.answer, Code::kNone);
  if (next.state != State::kOngoing) next.start_ms = now_.wall_ms;
  next.state = State::kOngoing;
  next.last_update_ms = now_.wall_ms;
  next.client_version = event.client_version;
  store(PendingTransition::Kind::kAdd, std::move(next), event.answer);
}

void TransactionStepper::on(VerifyPartitionsEvent& event) {
  PartitionsAnswer out;
  out.to = event.answer;
  out.error = check_producer(event.producer_id, event.epoch);
  if (out.error == Code::kNone) {
    for (const TopicPartition& partition : event.partitions) {
      if (!txn_.data.partitions.contains(partition)) out.missing.push_back(partition);
    }
  }
  emit(std::move(out));
}

void TransactionStepper::on(EndTransactionEvent& event) {
  if (txn_.is_void()) return fail(event.answer, Code::kInvalidProducerIdMapping);
  if (txn_.exhausted() && !txn_.pending && event.new_producer_id == kNoProducerId)
    return fail(event.answer, Code::kConcurrentTransactions);
  if (event.client_version < kTransactionVersionEpochBump)
    end_v1(event);
  else
    end_v2(event);
}

void TransactionStepper::end_v1(const EndTransactionEvent& event) {
  const TransactionData& now = txn_.data;
  if (now.producer_id != event.producer_id)
    return fail(event.answer, Code::kInvalidProducerIdMapping);
  if (now.epoch != event.epoch) return fail(event.answer, Code::kProducerFenced);
  if (txn_.pending) return fail(event.answer, Code::kConcurrentTransactions);
  switch (now.state) {
    case State::kOngoing:
      return prepare(event.commit, event.client_version, kNoProducerId, event.answer);
    case State::kPrepareCommit:
    case State::kPrepareAbort:
      return fail(event.answer, event.commit == (now.state == State::kPrepareCommit)
                                    ? Code::kConcurrentTransactions
                                    : Code::kInvalidTxnState);
    case State::kCompleteCommit:
    case State::kCompleteAbort:
      return fail(event.answer, event.commit == (now.state == State::kCompleteCommit)
                                    ? Code::kNone
                                    : Code::kInvalidTxnState);
    default:
      return fail(event.answer, Code::kInvalidTxnState);
  }
}

// With a new epoch for every transaction the same epoch is the next call, and the epoch before it
// a retry:
//
//                    abort, retry  abort         commit, retry  commit
//   Empty            fenced        new epoch     fenced         invalid
//   CompleteAbort    none          new epoch     invalid        invalid
//   CompleteCommit   invalid       new epoch     none           invalid
void TransactionStepper::end_v2(const EndTransactionEvent& event) {
  const TransactionData& now = txn_.data;
  if (txn_.pending) return fail(event.answer, Code::kConcurrentTransactions);
  const bool after_new_id = now.previous_producer_id == event.producer_id &&
                            event.epoch == kProducerEpochMax && now.epoch == ProducerEpoch(0) &&
                            now.producer_id != event.producer_id;
  if (now.producer_id != event.producer_id && !after_new_id)
    return fail(event.answer, Code::kInvalidProducerIdMapping);
  const bool complete = now.state == State::kCompleteCommit || now.state == State::kCompleteAbort;
  const bool after_bump = now.epoch.value == event.epoch.value + 1;
  const bool retry = after_bump || after_new_id;
  const bool fresh = !after_new_id && now.epoch == event.epoch;
  if (txn_.prepared() ? !after_bump : complete ? !retry && !fresh : !fresh)
    return fail(event.answer, Code::kProducerFenced);
  if (txn_.prepared()) {
    return fail(event.answer, event.commit == (now.state == State::kPrepareCommit)
                                  ? Code::kConcurrentTransactions
                                  : Code::kInvalidTxnState);
  }
  if (complete && retry) {
    if (event.commit != (now.state == State::kCompleteCommit))
      return fail(event.answer, Code::kInvalidTxnState);
    return emit(ProducerAnswer{event.answer, Code::kNone, now.producer_id, now.epoch});
  }
  if (event.commit && now.state != State::kOngoing)
    return fail(event.answer, Code::kInvalidTxnState);
  prepare(event.commit, event.client_version, event.new_producer_id, event.answer);
}

void TransactionStepper::prepare(bool commit, std::int16_t client_version,
                                 ProducerId new_producer_id, AnswerId to) {
  TransactionData next = txn_.data;
  // An abort with nothing in it takes the moment for its start.
  if (next.state != State::kOngoing) next.start_ms = now_.wall_ms;
  next.state = commit ? State::kPrepareCommit : State::kPrepareAbort;
  if (client_version >= kTransactionVersionEpochBump) {
    next.last_epoch = next.epoch;
    next.next_producer_id = txn_.exhausted() ? new_producer_id : kNoProducerId;
    // The one beyond the last belongs to the marker alone.
    if (next.epoch.value != INT16_MAX) next.epoch = bumped(next.epoch);
  } else {
    next.next_producer_id = kNoProducerId;
  }
  next.last_update_ms = now_.wall_ms;
  next.client_version = client_version;
  store(PendingTransition::Kind::kPrepare, std::move(next), to);
}

/// Aborts the ongoing transaction under an epoch that no producer gets.
void TransactionStepper::fence(AnswerId to, ProducerId new_producer_id) {
  if (limits_.version >= kTransactionVersionEpochBump) {
    prepare(false, limits_.version, new_producer_id, to);
    if (txn_.pending) txn_.pending->fence = true;
    return;
  }
  TransactionData next = txn_.data;
  if (next.epoch.value != INT16_MAX) next.epoch = bumped(next.epoch);
  next.last_epoch = kNoProducerEpoch;
  next.state = State::kPrepareAbort;
  next.next_producer_id = kNoProducerId;
  next.last_update_ms = now_.wall_ms;
  next.client_version = 0;
  store(PendingTransition::Kind::kPrepare, std::move(next), to, true);
}

void TransactionStepper::on(TimeOutEvent& event) {
  if (txn_.pending || txn_.data.state != State::kOngoing) return;
  if (txn_.data.start_ms + txn_.data.timeout_ms >= now_.wall_ms) return;
  if (txn_.exhausted() && event.new_producer_id == kNoProducerId) return;
  fence(0, event.new_producer_id);
}

void TransactionStepper::on(ExpireTransactionEvent&) {
  const State state = txn_.data.state;
  if (txn_.pending || txn_.is_void()) return;
  if (state != State::kEmpty && state != State::kCompleteCommit && state != State::kCompleteAbort)
    return;
  if (txn_.data.last_update_ms > now_.wall_ms - limits_.id_expiration_ms) return;
  TransactionData next = txn_.data;
  next.state = State::kDead;
  store(PendingTransition::Kind::kExpire, std::move(next), 0);
}

void TransactionStepper::on(TransactionLoadedEvent&) {
  if (txn_.prepared()) go_on();
}

void TransactionStepper::on(TransactionTickEvent&) {
  if (txn_.retry_ms < 0 || txn_.retry_ms > now_.steady_ms) return;
  txn_.retry_ms = -1;
  if (txn_.prepared() && !txn_.pending && !txn_.writing_markers) go_on();
}

/// Writes the markers that are missing, or says that none is.
void TransactionStepper::go_on() {
  const TransactionData& now = txn_.data;
  if (now.partitions.empty()) {
    TransactionData next = now;
    next.state =
        now.state == State::kPrepareCommit ? State::kCompleteCommit : State::kCompleteAbort;
    if (now.client_version >= kTransactionVersionEpochBump &&
        now.next_producer_id != kNoProducerId) {
      next.producer_id = now.next_producer_id;
      next.epoch = ProducerEpoch(0);
    }
    next.next_producer_id = kNoProducerId;
    next.last_update_ms = now_.wall_ms;
    return store(PendingTransition::Kind::kComplete, std::move(next), 0);
  }
  WriteMarkers effect;
  effect.round = ++txn_.round;
  effect.producer_id = now.producer_id;
  effect.epoch = now.epoch;
  effect.commit = now.state == State::kPrepareCommit;
  effect.client_version = now.client_version;
  effect.partitions.assign(now.partitions.begin(), now.partitions.end());
  txn_.writing_markers = true;
  emit(std::move(effect));
}

void TransactionStepper::on(MarkersWrittenEvent& event) {
  if (event.round != txn_.round || !txn_.writing_markers) return;
  txn_.writing_markers = false;
  for (const TopicPartition& partition : event.written) txn_.data.partitions.erase(partition);
  if (!txn_.data.partitions.empty()) return try_later();
  txn_.failed_rounds = 0;
  go_on();
}

void TransactionStepper::try_later() {
  const std::int64_t wait = kRetryFirstMs << std::min(txn_.failed_rounds, 10);
  ++txn_.failed_rounds;
  txn_.retry_ms = now_.steady_ms + std::min(wait, kRetryLastMs);
}

void TransactionStepper::on(TransactionStoredEvent& event) {
  if (!txn_.pending || txn_.pending->store != event.store) return;
  const PendingTransition done = std::move(*txn_.pending);
  txn_.pending.reset();
  const Code error = store_error(event.error);
  if (error != Code::kNone) {
    if (done.kind == PendingTransition::Kind::kComplete) return try_later();
    if (done.kind == PendingTransition::Kind::kAdd) return answer(done.answer, error);
    return fail(done.answer, error);
  }
  txn_.data = done.next;
  const TransactionData& now = txn_.data;
  switch (done.kind) {
    case PendingTransition::Kind::kInit:
      return emit(ProducerAnswer{done.answer, Code::kNone, now.producer_id, now.epoch});
    case PendingTransition::Kind::kAdd:
      return answer(done.answer, Code::kNone);
    case PendingTransition::Kind::kPrepare:
      answer_end(done);
      return go_on();
    case PendingTransition::Kind::kComplete:
      txn_.failed_rounds = 0;
      return;
    case PendingTransition::Kind::kExpire:
      return;  // kDead: the caller forgets it
  }
}

/// The markers are written behind the answer's back.
void TransactionStepper::answer_end(const PendingTransition& done) {
  if (done.fence) return fail(done.answer, Code::kConcurrentTransactions);
  const TransactionData& now = txn_.data;
  ProducerAnswer out{done.answer, Code::kNone, kNoProducerId, kNoProducerEpoch};
  if (now.client_version >= kTransactionVersionEpochBump) {
    const bool new_id = now.next_producer_id != kNoProducerId;
    out.producer_id = new_id ? now.next_producer_id : now.producer_id;
    out.epoch = new_id ? ProducerEpoch(0) : now.epoch;
  }
  emit(out);
}

TransactionEffects step(Transaction& transaction, TransactionEvent event, Moment now,
                        const TransactionLimits& limits) {
  TransactionEffects effects;
  TransactionStepper stepper(transaction, now, limits, effects);
  std::visit([&](auto& e) { stepper.on(e); }, event);
  return effects;
}

bool needs_producer_id(const Transaction& transaction, const TransactionEvent& event) {
  if (transaction.pending) return false;
  if (std::holds_alternative<InitTransactionEvent>(event))
    return transaction.is_void() || transaction.exhausted();
  if (std::holds_alternative<EndTransactionEvent>(event) ||
      std::holds_alternative<TimeOutEvent>(event))
    return transaction.exhausted();
  return false;
}

std::optional<std::int64_t> wake_ms(const Transaction& transaction) {
  return transaction.retry_ms >= 0 ? std::optional(transaction.retry_ms) : std::nullopt;
}

}  // namespace penstock::broker
