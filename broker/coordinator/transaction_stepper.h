#pragma once

#include <utility>

#include "broker/coordinator/transaction_records.h"
#include "broker/coordinator/transaction_step.h"

namespace penstock::broker {

/// One step of one transactional id; lives no longer than that.
class TransactionStepper {
 public:
  TransactionStepper(Transaction& transaction, Moment now, const TransactionLimits& limits,
                     TransactionEffects& effects)
      : txn_(transaction), now_(now), limits_(limits), effects_(effects) {}

  void on(InitTransactionEvent& event);
  void on(AddPartitionsEvent& event);
  void on(VerifyPartitionsEvent& event);
  void on(EndTransactionEvent& event);
  void on(TimeOutEvent& event);
  void on(ExpireTransactionEvent& event);
  void on(TransactionLoadedEvent& event);
  void on(TransactionStoredEvent& event);
  void on(MarkersWrittenEvent& event);
  void on(TransactionTickEvent& event);

 private:
  using Code = protocol::ErrorCode;

  static ProducerEpoch bumped(ProducerEpoch epoch) {
    return ProducerEpoch(static_cast<std::int16_t>(epoch.value + 1));
  }
  [[nodiscard]] Code check_producer(ProducerId id, ProducerEpoch epoch) const;
  void end_v1(const EndTransactionEvent& event);
  void end_v2(const EndTransactionEvent& event);
  void prepare(bool commit, std::int16_t client_version, ProducerId new_producer_id, AnswerId to);
  void fence(AnswerId to, ProducerId new_producer_id);
  void go_on();
  void try_later();
  void answer_end(const PendingTransition& done);
  void store(PendingTransition::Kind kind, TransactionData next, AnswerId answer,
             bool fence = false);

  void fail(AnswerId to, Code error) {
    if (to != 0) emit(ProducerAnswer{to, error, kNoProducerId, kNoProducerEpoch});
  }
  void answer(AnswerId to, Code error) {
    if (to != 0) emit(PartitionsAnswer{to, error, {}});
  }
  template <class T>
  void emit(T effect) {
    effects_.emplace_back(std::in_place_type<T>, std::move(effect));
  }

  Transaction& txn_;
  const Moment now_;
  const TransactionLimits& limits_;
  TransactionEffects& effects_;
};

}  // namespace penstock::broker
