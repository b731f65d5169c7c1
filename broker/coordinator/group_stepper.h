#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "broker/coordinator/group_step.h"

namespace penstock::broker {

/// One step of one group; lives no longer than that. Membership is in group_membership.cc,
/// rebalances in group_rebalance.cc, offsets in group_offsets.cc, the consumer protocol in
/// consumer_membership.cc and consumer_rebalance.cc, classic members of its groups in
/// classic_members.cc, the change from one protocol to the other in group_migration.cc.
class GroupStepper {
 public:
  GroupStepper(Group& group, Moment now, const GroupLimits& limits, GroupEffects& effects)
      : group_(group), now_(now), limits_(limits), effects_(effects) {}

  void on(JoinEvent& event);
  void on(SyncEvent& event);
  void on(HeartbeatEvent& event);
  void on(LeaveEvent& event);
  void on(CommitEvent& event);
  void on(TransactionalCommitEvent& event);
  void on(TransactionEndedEvent& event);
  void on(DeleteEvent& event);
  void on(DeleteOffsetsEvent& event);
  void on(TopicDeletedEvent& event);
  void on(ConsumerHeartbeatEvent& event);
  void on(StoredEvent& event);
  void on(TickEvent& event);
  void on(ExpireOffsetsEvent& event);

 private:
  using Code = protocol::ErrorCode;
  static constexpr std::int64_t kNewMemberJoinMs = 300'000;

  // Membership.
  void join_unknown(JoinEvent& event);
  void join_known(JoinEvent& event);
  void join_static_again(JoinEvent& event, const std::string& old_id);
  void add_member(JoinEvent& event, const std::string& id);
  void update_member(Member& member, JoinEvent& event);
  void wait_for_rebalance(Member& member, AnswerId answer);
  void answer_current_generation(const Member& member, AnswerId answer);
  /// Renames a static member; what its old self waits for is answered with FENCED_INSTANCE_ID.
  Member& rename_static(const std::string& instance_id, const std::string& old_id,
                        const std::string& new_id);
  [[nodiscard]] Code leave_one(const LeaveEvent::Who& who);
  /// Takes the member out and rebalances, or lets a rebalance go on without it.
  void remove_and_rebalance(const std::string& id);
  void remove_member(const std::string& id);
  [[nodiscard]] bool accepts(const JoinEvent& event) const;
  [[nodiscard]] bool has_room(const JoinEvent& event) const;
  /// The member, if `id` and `instance_id` go together; else the error.
  [[nodiscard]] Code check_member(const std::string& id,
                                  const std::optional<std::string>& instance_id) const;
  void heard_from(Member& member) {
    member.expires_ms = now_.steady_ms + member.session_timeout_ms;
  }

  // Rebalances.
  void prepare_rebalance();
  void maybe_complete_join();
  void complete_join();
  void next_generation();
  void answer_joined(Member& member);
  [[nodiscard]] std::vector<JoinedMember> joined_members() const;
  [[nodiscard]] std::string vote() const;
  void fail_syncs(Code error);
  void answer_sync(Member& member);
  void assignment_stored(const PendingAssignment& pending, Code error);
  void static_member_stored(PendingStaticMember& pending, Code error);

  // The consumer protocol: membership.
  struct Refusal {
    Code code = Code::kNone;
    std::string text;
  };
  [[nodiscard]] Refusal check_request(const ConsumerHeartbeatEvent& event) const;
  [[nodiscard]] Refusal check_heartbeat(const ConsumerHeartbeatEvent& event,
                                        const ConsumerGroup& consumer) const;
  [[nodiscard]] Refusal check_static(const ConsumerHeartbeatEvent& event,
                                     const ConsumerGroup& consumer) const;
  [[nodiscard]] Refusal check_epoch(const ConsumerMember& member,
                                    const ConsumerHeartbeatEvent& event) const;
  void consumer_leave(ConsumerHeartbeatEvent& event);
  /// With what the members of the classic protocol become, or empty.
  /// False when its members lack partitions, so that new targets are due.
  bool begin_consumer_group(std::optional<ConsumerGroup> upgraded, const GroupTopics& topics);
  /// Empty groups only: forgets it, so that the classic protocol may have the group.
  void end_consumer_group();
  void replace_static(const std::string& instance_id, const std::string& new_id);
  void remove_consumer(const std::string& id);
  /// Takes members out. When only classic ones are left the group is of their protocol again.
  void fence_consumers(const std::vector<std::string>& ids, const GroupTopics& topics);
  void consumer_tick(const GroupTopics& topics);
  [[nodiscard]] Code check_consumer_commit(const CommitEvent& event) const;
  void refuse_heartbeat(AnswerId to, Refusal refusal);

  // Classic members of a group of the consumer protocol.
  void join_mixed(JoinEvent& event);
  void sync_mixed(SyncEvent& event);
  void heartbeat_mixed(HeartbeatEvent& event);
  void leave_mixed(LeaveEvent& event);
  [[nodiscard]] Code check_join_mixed(const JoinEvent& event, const std::string& id) const;
  /// The member, if `id` and `instance_id` go together; else nullptr and the error.
  [[nodiscard]] ConsumerMember* find_mixed(const std::string& id,
                                           const std::optional<std::string>& instance_id,
                                           Code& error) const;
  void has_to_join(ConsumerMember& member);

  // The change of the protocol.
  [[nodiscard]] Refusal upgrade(const GroupTopics& topics,
                                std::optional<ConsumerGroup>& upgraded) const;
  /// Whether all members but `but` are classic ones, and the group may be theirs.
  [[nodiscard]] bool may_downgrade(const std::string& but) const;
  /// The caller rebalances, unless everybody had what it was to have.
  void downgrade(const GroupTopics& topics);

  // The consumer protocol: rebalances. Each notes the records that change.
  /// New regular expressions, topics and targets, as far as they are due.
  void refresh_targets(const GroupTopics& topics, bool other_topics);
  bool refresh_epoch(const GroupTopics& topics, bool other_topics);
  bool refresh_regexes(const GroupTopics& topics);
  bool refresh_metadata(const GroupTopics& topics);
  void bump_epoch();
  void compute_targets(const GroupTopics& topics);
  /// What the member owns as it says, and whether it says that it subscribes to other topics.
  struct Said {
    std::optional<Assignment> owned;
    bool other_topics = false;
  };
  /// True when the member's partitions changed.
  bool reconcile_member(const std::string& id, const Said& said, const GroupTopics& topics);
  void changed(ConsumerRecord kind, const std::string& name = {}) {
    changed_.push_back({kind, group_.id, name});
  }
  /// Stores what was noted, and answers once all that came before is stored.
  void store_consumer(PendingConsumer answers);
  /// The record of a part as the group is now: a tombstone when the part is not there.
  [[nodiscard]] Store::Record part(const ConsumerRecordKey& key) const;
  void emit_all(PendingConsumer& answers);
  void consumer_stored(PendingConsumer& pending, Code error);

  // Offsets and storing.
  [[nodiscard]] Code check_commit(const CommitEvent& event) const;
  void remove_offsets(std::vector<TopicPartition> keys, bool whole, AnswerId answer);
  [[nodiscard]] std::vector<TopicPartition> all_offsets() const;
  void commit_stored(PendingCommit& pending, StoreId store, Code error);
  [[nodiscard]] Code check_commit(const TransactionalCommitEvent& event) const;
  void transactional_commit_stored(const PendingTransactionalCommit& pending, StoreId store,
                                   Code error);
  void removal_stored(PendingRemoval& pending, StoreId store, Code error);
  StoreId store(std::vector<Store::Record> records, Pending pending,
                std::set<ConsumerRecordKey> keys = {});
  /// The group of the classic protocol as it is, with other assignments if they are given.
  void store_group(const std::map<std::string, std::string>* assignments, Pending pending);
  [[nodiscard]] Store::Record group_record(
      const std::map<std::string, std::string>* assignments) const;

  void fail_join(AnswerId to, Code error, const std::string& member_id);
  void fail_sync(AnswerId to, Code error);
  void answer(AnswerId to, Code error) {
    if (to != 0) emit(CodeAnswer{to, error});
  }
  /// Built in place: g++ 12 warns of uninitialized parts when a variant of these is moved.
  template <class T>
  void emit(T effect) {
    effects_.emplace_back(std::in_place_type<T>, std::move(effect));
  }
  void enter(GroupState state);

  Group& group_;
  const Moment now_;
  const GroupLimits& limits_;
  GroupEffects& effects_;
  std::vector<ConsumerRecordKey> changed_;
};

}  // namespace penstock::broker
