#include <algorithm>

#include "broker/coordinator/consumer_records.h"
#include "broker/coordinator/embedded_consumer.h"
#include "broker/coordinator/group_stepper.h"
#include "broker/coordinator/offsets_records.h"
#include "framework/base/assert.h"

namespace penstock::broker {

using protocol::ErrorCode;

namespace {

constexpr std::int64_t kRetentionMsMax =
    1000LL * 365 * 24 * 3600 * 1000;  // so that nothing overflows

/// How a commit's client learns that the append failed, as in Kafka: each of these has it look for
/// its coordinator, or try again.
ErrorCode commit_error(ErrorCode append) {
  switch (append) {
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kNotEnoughReplicas:
    case ErrorCode::kNotEnoughReplicasAfterAppend:
      return ErrorCode::kCoordinatorNotAvailable;
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kStorageError:
      return ErrorCode::kNotCoordinator;
    case ErrorCode::kMessageTooLarge:
    case ErrorCode::kRecordListTooLarge:
    case ErrorCode::kInvalidFetchSize:
      return ErrorCode::kInvalidCommitOffsetSize;
    default:
      return append;
  }
}

ErrorCode group_error(ErrorCode append) {
  const ErrorCode code = commit_error(append);
  return code == ErrorCode::kInvalidCommitOffsetSize ? ErrorCode::kUnknownServerError : code;
}

}  // namespace

std::optional<std::set<std::string, std::less<>>> subscribed_topics(const Group& group) {
  if (group.consumer) return subscribed_topics(*group.consumer);
  std::set<std::string, std::less<>> out;
  for (const auto& [id, member] : group.members) {
    for (const GroupProtocol& p : member.protocols) {
      auto topics = read_subscribed_topics(p.metadata);
      if (!topics) return std::nullopt;
      out.merge(*topics);
    }
  }
  return out;
}

StoreId GroupStepper::store(std::vector<Store::Record> records, Pending pending,
                            std::set<ConsumerRecordKey> keys) {
  const StoreId id = group_.next_store++;
  group_.stores.emplace(id, std::move(pending));
  if (!keys.empty()) group_.saving.emplace(id, std::move(keys));
  emit(Store{id, std::move(records)});
  return id;
}

Store::Record GroupStepper::group_record(
    const std::map<std::string, std::string>* assignments) const {
  return {encode_key(GroupRecordKey{group_.id}), encode_value(group_, assignments, now_.wall_ms)};
}

void GroupStepper::store_group(const std::map<std::string, std::string>* assignments,
                               Pending pending) {
  std::vector<Store::Record> records;
  for (const ConsumerRecordKey& key : group_.unsaved) {
    if (key.kind != ConsumerRecord::kClassic) records.push_back(part(key));
  }
  std::reverse(records.begin(), records.end());
  records.push_back(group_record(assignments));
  store(std::move(records), std::move(pending), group_.unsaved);
}

void GroupStepper::on(StoredEvent& event) {
  auto node = group_.stores.extract(event.store);
  PENSTOCK_ASSERT(!node.empty());
  if (auto saving = group_.saving.extract(event.store); !saving.empty()) {
    if (event.error == ErrorCode::kNone) {
      for (const ConsumerRecordKey& key : saving.mapped()) group_.unsaved.erase(key);
    } else {
      group_.unsaved.merge(saving.mapped());
    }
  }
  Pending& pending = node.mapped();
  if (auto* assignment = std::get_if<PendingAssignment>(&pending))
    assignment_stored(*assignment, group_error(event.error));
  else if (auto* member = std::get_if<PendingStaticMember>(&pending))
    static_member_stored(*member, group_error(event.error));
  else if (auto* commit = std::get_if<PendingCommit>(&pending))
    commit_stored(*commit, event.store, commit_error(event.error));
  else if (auto* in_transaction = std::get_if<PendingTransactionalCommit>(&pending))
    transactional_commit_stored(*in_transaction, event.store, commit_error(event.error));
  else if (auto* removal = std::get_if<PendingRemoval>(&pending))
    removal_stored(*removal, event.store, group_error(event.error));
  else if (auto* consumer = std::get_if<PendingConsumer>(&pending))
    consumer_stored(*consumer, group_error(event.error));
  // PendingEmpty: nobody waits. If it was not stored, the members come back after a restart and
  // expire again.
}

GroupStepper::Code GroupStepper::check_commit(const CommitEvent& event) const {
  if (group_.state == GroupState::kDead || group_.deleting)
    return ErrorCode::kCoordinatorNotAvailable;
  if (group_.consumer) return check_consumer_commit(event);
  if (event.generation < 0 && group_.state == GroupState::kEmpty) return ErrorCode::kNone;
  if (group_.is_void())  // who knows epochs can tell a group that is gone from one that went on
    return event.knows_epochs ? ErrorCode::kGroupIdNotFound : ErrorCode::kIllegalGeneration;
  if (event.generation < 0 && event.member_id.empty() && !event.instance_id)
    return ErrorCode::kUnknownMemberId;
  if (const Code error = check_member(event.member_id, event.instance_id);
      error != ErrorCode::kNone)
    return error;
  if (event.generation != group_.generation) return ErrorCode::kIllegalGeneration;
  return group_.state == GroupState::kCompletingRebalance ? ErrorCode::kRebalanceInProgress
                                                          : ErrorCode::kNone;
}

void GroupStepper::on(CommitEvent& event) {
  const Code error = check_commit(event);
  const auto member = group_.members.find(event.member_id);
  if ((error == ErrorCode::kNone || error == ErrorCode::kRebalanceInProgress) &&
      member != group_.members.end()) {
    heard_from(member->second);
  }
  if (error != ErrorCode::kNone || event.offsets.empty()) return answer(event.answer, error);
  std::vector<Store::Record> records;
  for (auto& [partition, offset] : event.offsets) {
    offset.commit_ms = now_.wall_ms;
    if (event.retention_ms >= 0)
      offset.expire_ms = now_.wall_ms + std::min(event.retention_ms, kRetentionMsMax);
    records.push_back({encode_key(OffsetRecordKey{group_.id, partition}), encode_value(offset)});
  }
  store(std::move(records), PendingCommit{event.answer, std::move(event.offsets)});
}

void GroupStepper::commit_stored(PendingCommit& pending, StoreId store, Code error) {
  if (error == ErrorCode::kNone) {
    for (auto& [partition, offset] : pending.offsets) {
      offset.order = store;
      group_.offsets[partition] = std::move(offset);
    }
  }
  answer(pending.answer, error);
}

std::vector<TopicPartition> GroupStepper::all_offsets() const {
  std::set<TopicPartition> keys;
  for (const auto& [partition, offset] : group_.offsets) keys.insert(partition);
  for (const auto& [producer, offsets] : group_.transactional) {
    for (const auto& [partition, offset] : offsets) keys.insert(partition);
  }
  // What is being appended lies before any tombstone that is written now, so it needs one too.
  for (const auto& [id, pending] : group_.stores) {
    const auto* commit = std::get_if<PendingCommit>(&pending);
    if (commit == nullptr) continue;
    for (const auto& [partition, offset] : commit->offsets) keys.insert(partition);
  }
  return {keys.begin(), keys.end()};
}

void GroupStepper::remove_offsets(std::vector<TopicPartition> keys, bool whole, AnswerId to) {
  std::vector<Store::Record> records;
  records.reserve(keys.size());
  for (const TopicPartition& partition : keys)
    records.push_back({encode_key(OffsetRecordKey{group_.id, partition}), std::nullopt});
  if (whole) {
    // Keys of the other protocol have no value, or none any more.
    std::set<ConsumerRecordKey> parts = group_.unsaved;
    for (ConsumerRecordKey& key : consumer_keys(group_)) parts.insert(std::move(key));
    if (!group_.consumer) parts.insert({ConsumerRecord::kClassic, group_.id, ""});
    for (auto key = parts.rbegin(); key != parts.rend(); ++key)
      records.push_back({encode_key(*key), std::nullopt});
    group_.deleting = true;
  }
  if (records.empty()) return answer(to, ErrorCode::kNone);
  store(std::move(records), PendingRemoval{to, std::move(keys), whole, false, {}});
}

void GroupStepper::removal_stored(PendingRemoval& pending, StoreId store, Code error) {
  if (error == ErrorCode::kNone) {
    // What came behind the tombstone stays.
    for (const TopicPartition& partition : pending.offsets) remove_offset(group_, partition, store);
    if (pending.whole) enter(GroupState::kDead);
  } else if (pending.whole) {
    group_.deleting = false;
  }
  if (pending.offsets_answer) {
    emit(DeleteOffsetsAnswer{pending.answer, error, std::move(pending.kept)});
    return;
  }
  answer(pending.answer, error);
}

void GroupStepper::on(DeleteEvent& event) {
  if (group_.state == GroupState::kDead || group_.is_void())
    return answer(event.answer, ErrorCode::kGroupIdNotFound);
  if (group_.deleting) return answer(event.answer, ErrorCode::kCoordinatorNotAvailable);
  if (group_.state != GroupState::kEmpty || !group_.pending_members.empty() ||
      (group_.consumer && !group_.consumer->members.empty())) {
    return answer(event.answer, ErrorCode::kNonEmptyGroup);
  }
  remove_offsets(all_offsets(), true, event.answer);
}

void GroupStepper::on(DeleteOffsetsEvent& event) {
  DeleteOffsetsAnswer out;
  out.to = event.answer;
  if (group_.state == GroupState::kDead || group_.deleting || group_.is_void()) {
    out.error = ErrorCode::kGroupIdNotFound;
  } else if (!group_.members.empty() || group_.consumer) {
    const auto topics = group_.consumer || group_.protocol_type == "consumer"
                            ? subscribed_topics(group_)
                            : std::nullopt;
    if (!topics) {
      out.error = ErrorCode::kNonEmptyGroup;
    } else {
      std::erase_if(event.offsets, [&](const TopicPartition& p) {
        if (!topics->contains(p.first)) return false;
        out.kept.push_back(p);
        return true;
      });
    }
  }
  if (out.error == ErrorCode::kNone && !event.offsets.empty()) {
    std::vector<Store::Record> records;
    for (const TopicPartition& p : event.offsets)
      records.push_back({encode_key(OffsetRecordKey{group_.id, p}), std::nullopt});
    store(std::move(records),
          PendingRemoval{event.answer, std::move(event.offsets), false, true, std::move(out.kept)});
    return;
  }
  emit(std::move(out));
}

void GroupStepper::on(TopicDeletedEvent& event) {
  if (group_.state == GroupState::kDead) return answer(event.answer, ErrorCode::kNone);
  std::set<TopicPartition> old;
  std::set<TopicPartition> newer;
  const auto sort = [&](const TopicPartition& partition, const CommittedOffset& offset) {
    if (partition.first == event.topic)
      (offset.commit_ms <= event.until_ms ? old : newer).insert(partition);
  };
  for (const auto& [partition, offset] : group_.offsets) sort(partition, offset);
  for (const auto& [producer, offsets] : group_.transactional) {
    for (const auto& [partition, offset] : offsets) sort(partition, offset);
  }
  for (const auto& [id, pending] : group_.stores) {
    const auto* commit = std::get_if<PendingCommit>(&pending);
    if (commit == nullptr) continue;
    for (const auto& [partition, offset] : commit->offsets) sort(partition, offset);
  }
  // A tombstone would come behind the newer commit and take it too.
  for (const TopicPartition& partition : newer) old.erase(partition);
  remove_offsets({old.begin(), old.end()}, false, event.answer);
}

void GroupStepper::on(ExpireOffsetsEvent&) {
  if (group_.state == GroupState::kDead || group_.deleting) return;
  // An empty group's offsets live from the moment it became empty; those of topics that a live
  // consumer group no longer reads, and those of simple consumers, from their commit. Groups of
  // other kinds keep theirs while they have members.
  const bool empty = group_.state == GroupState::kEmpty && group_.members.empty() &&
                     (!group_.consumer || group_.consumer->members.empty());
  std::optional<std::set<std::string, std::less<>>> subscribed;
  if (!empty && group_.consumer) {
    subscribed = subscribed_topics(*group_.consumer);
  } else if (!empty) {
    if (group_.state != GroupState::kStable || group_.protocol_type != "consumer") return;
    subscribed = subscribed_topics(group_);
    if (!subscribed) return;
  }
  std::vector<TopicPartition> expired;
  for (const auto& [partition, offset] : group_.offsets) {
    if (subscribed && subscribed->contains(partition.first)) continue;
    if (group_.unstable(partition)) continue;
    std::int64_t since = offset.commit_ms;
    if (empty && group_.protocol_type) since = std::max(since, group_.state_since_ms);
    const std::int64_t end =
        offset.expire_ms >= 0 ? offset.expire_ms : since + limits_.offsets_retention_ms;
    if (now_.wall_ms >= end) expired.push_back(partition);
  }
  const bool whole = empty && group_.pending_members.empty() && group_.stores.empty() &&
                     group_.transactional.empty() && expired.size() == group_.offsets.size();
  if (whole && group_.is_void()) return;
  if (whole || !expired.empty()) remove_offsets(std::move(expired), whole, 0);
}

}  // namespace penstock::broker
