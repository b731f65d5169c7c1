#include "broker/coordinator/group_stepper.h"
#include "broker/coordinator/offsets_records.h"

namespace penstock::broker {

using protocol::ErrorCode;

bool Group::unstable(const TopicPartition& partition) const {
  for (const auto& [producer, offsets_of] : transactional) {
    if (offsets_of.contains(partition)) return true;
  }
  return false;
}

void end_transaction(Group& group, std::int64_t producer_id, bool commit) {
  auto ended = group.transactional.extract(producer_id);
  if (ended.empty() || !commit) return;
  for (auto& [partition, offset] : ended.mapped()) {
    const auto at = group.offsets.find(partition);
    // A commit outside the transaction that came later stays.
    if (at == group.offsets.end() || at->second.order < offset.order)
      group.offsets[partition] = std::move(offset);
  }
}

void remove_offset(Group& group, const TopicPartition& partition, StoreId before) {
  const auto remove = [&](std::map<TopicPartition, CommittedOffset>& offsets) {
    const auto at = offsets.find(partition);
    if (at != offsets.end() && at->second.order < before) offsets.erase(at);
  };
  remove(group.offsets);
  for (auto& [producer, offsets] : group.transactional) remove(offsets);
  std::erase_if(group.transactional, [](const auto& of) { return of.second.empty(); });
}

/// As for a commit outside a transaction, but a producer that names no member may commit to any
/// group, and a rebalance that is being completed does not matter.
GroupStepper::Code GroupStepper::check_commit(const TransactionalCommitEvent& event) const {
  if (group_.state == GroupState::kDead || group_.deleting)
    return ErrorCode::kCoordinatorNotAvailable;
  const bool names_nobody = event.generation < 0 && event.member_id.empty() && !event.instance_id;
  if (group_.consumer) return names_nobody ? ErrorCode::kNone : check_consumer_commit(event);
  if (event.generation < 0 && group_.state == GroupState::kEmpty) return ErrorCode::kNone;
  if (group_.is_void()) return ErrorCode::kIllegalGeneration;
  if (names_nobody) return ErrorCode::kNone;
  if (const Code error = check_member(event.member_id, event.instance_id);
      error != ErrorCode::kNone)
    return error;
  return event.generation == group_.generation ? ErrorCode::kNone : ErrorCode::kIllegalGeneration;
}

void GroupStepper::on(TransactionalCommitEvent& event) {
  const Code error = check_commit(event);
  if (error != ErrorCode::kNone || event.offsets.empty()) return answer(event.answer, error);
  std::vector<Store::Record> records;
  for (auto& [partition, offset] : event.offsets) {
    offset.commit_ms = now_.wall_ms;
    records.push_back({encode_key(OffsetRecordKey{group_.id, partition}), encode_value(offset)});
  }
  Store effect;
  effect.store = group_.next_store++;
  effect.records = std::move(records);
  effect.producer = Store::Producer{event.producer_id, event.producer_epoch, event.guard};
  group_.stores.emplace(effect.store, PendingTransactionalCommit{event.answer, event.producer_id});
  auto& offsets = group_.transactional[event.producer_id];
  for (auto& [partition, offset] : event.offsets) {
    offset.order = effect.store;
    offsets[partition] = std::move(offset);
  }
  emit(std::move(effect));
}

void GroupStepper::transactional_commit_stored(const PendingTransactionalCommit& pending,
                                               StoreId store, Code error) {
  const auto of = group_.transactional.find(pending.producer_id);
  // What only took too long is in the log.
  const bool lost = error != ErrorCode::kNone && error != ErrorCode::kRequestTimedOut;
  if (lost && of != group_.transactional.end()) {
    std::erase_if(of->second, [store](const auto& one) { return one.second.order == store; });
    if (of->second.empty()) group_.transactional.erase(of);
  }
  answer(pending.answer, error);
}

void GroupStepper::on(TransactionEndedEvent& event) {
  end_transaction(group_, event.producer_id, event.commit);
}

}  // namespace penstock::broker
