#include <algorithm>
#include <utility>

#include "broker/coordinator/consumer_assignor.h"
#include "broker/coordinator/consumer_records.h"
#include "broker/coordinator/group_stepper.h"
#include "broker/coordinator/offsets_records.h"
#include "broker/coordinator/topic_regex.h"

namespace penstock::broker {

using protocol::ErrorCode;

namespace {

bool holds_all(const Holdings& holdings, const std::optional<Assignment>& owned) {
  if (!owned) return false;
  return std::all_of(owned->begin(), owned->end(), [&holdings](const auto& entry) {
    const auto at = holdings.find(entry.first);
    return at != holdings.end() &&
           std::all_of(entry.second.begin(), entry.second.end(),
                       [&at](std::int32_t partition) { return at->second.contains(partition); });
  });
}

/// What the heartbeat says anew; its instance id is ConsumerGroup::set_instance()'s.
void update(ConsumerMember& member, ConsumerHeartbeatEvent& event) {
  if (event.rack_id) member.rack_id = std::move(event.rack_id);
  if (event.rebalance_timeout_ms != -1) member.rebalance_timeout_ms = event.rebalance_timeout_ms;
  if (event.topics) member.topics = std::move(*event.topics);
  if (event.regex) member.regex = std::move(*event.regex);
  if (event.assignor) member.assignor = std::move(event.assignor);
  member.classic.reset();
  member.join_deadline_ms.reset();
  member.sync_deadline_ms.reset();
  member.client_id = std::move(event.client_id);
  member.client_host = std::move(event.client_host);
}

}  // namespace

void GroupStepper::refuse_heartbeat(AnswerId to, Refusal refusal) {
  if (to == 0) return;
  ConsumerHeartbeatAnswer out;
  out.to = to;
  out.error = refusal.code;
  out.message = std::move(refusal.text);
  emit(std::move(out));
}

GroupStepper::Refusal GroupStepper::check_epoch(const ConsumerMember& member,
                                                const ConsumerHeartbeatEvent& event) const {
  // Who joins again begins anew.
  if (event.epoch == 0 || event.epoch == member.epoch) return {};
  // The answer with the new epoch may have been lost.
  const bool lost_answer = event.epoch < member.epoch && event.epoch == member.previous_epoch &&
                           holds_all(member.assigned, event.owned);
  if (lost_answer) return {};
  return {ErrorCode::kFencedMemberEpoch,
          "The member has epoch " + std::to_string(event.epoch) + " where the coordinator has " +
              std::to_string(member.epoch) + ". It has to give up its partitions and join again."};
}

GroupStepper::Refusal GroupStepper::check_static(const ConsumerHeartbeatEvent& event,
                                                 const ConsumerGroup& consumer) const {
  const std::string& instance = *event.instance_id;
  const auto known = consumer.static_members.find(instance);
  const auto at = known == consumer.static_members.end() ? consumer.members.end()
                                                         : consumer.members.find(known->second);
  if (at == consumer.members.end()) {
    if (event.epoch == 0) return {};
    return {ErrorCode::kUnknownMemberId, "Instance id " + instance + " is unknown."};
  }
  const ConsumerMember& member = at->second;
  if (event.epoch == 0) {
    // A classic member says no good-bye when it comes back with the other protocol.
    if (member.epoch == kLeaveStaticEpoch || member.classic) return {};
    return {ErrorCode::kUnreleasedInstanceId,
            "Instance id " + instance + " is still used by member " + member.id + "."};
  }
  if (member.id != event.member_id) {
    return {ErrorCode::kFencedInstanceId,
            "Instance id " + instance + " was taken over by member " + member.id + "."};
  }
  return event.epoch < 0 ? Refusal{} : check_epoch(member, event);
}

GroupStepper::Refusal GroupStepper::check_request(const ConsumerHeartbeatEvent& event) const {
  if (group_.state == GroupState::kDead || group_.deleting)
    return {ErrorCode::kCoordinatorNotAvailable, "The group is being deleted."};
  if (!group_.consumer && event.epoch != 0) {
    return {ErrorCode::kGroupIdNotFound, group_.is_void()
                                             ? "Group " + group_.id + " not found."
                                             : "Group " + group_.id + " is not a consumer group."};
  }
  const std::vector<std::string>& assignors = limits_.assignors;
  if (event.assignor &&
      std::find(assignors.begin(), assignors.end(), *event.assignor) == assignors.end())
    return {ErrorCode::kUnsupportedAssignor, "Assignor " + *event.assignor + " is not supported."};
  if (event.regex && !event.regex->empty()) {
    if (const Status valid = check_regex(*event.regex); !valid)
      return {ErrorCode::kInvalidRegularExpression,
              "Regular expression " + *event.regex + " is not valid: " + valid.error().text + "."};
  }
  return {};
}

GroupStepper::Refusal GroupStepper::check_heartbeat(const ConsumerHeartbeatEvent& event,
                                                    const ConsumerGroup& consumer) const {
  const bool joins = event.epoch == 0;
  const auto member = consumer.members.find(event.member_id);
  const bool is_member = member != consumer.members.end();
  const auto room = static_cast<std::size_t>(limits_.consumer_members_max);
  if (joins && !is_member && consumer.members.size() >= room &&
      !(event.instance_id && consumer.static_members.contains(*event.instance_id))) {
    return {ErrorCode::kGroupMaxSizeReached,
            "The group has its most members, " + std::to_string(room) + "."};
  }
  if (event.instance_id) return check_static(event, consumer);
  if (is_member) return event.epoch < 0 ? Refusal{} : check_epoch(member->second, event);
  if (joins) return {};
  return {ErrorCode::kUnknownMemberId,
          "Member " + event.member_id + " is not a member of group " + group_.id + "."};
}

void GroupStepper::on(ConsumerHeartbeatEvent& event) {
  std::optional<ConsumerGroup> upgraded;
  Refusal refusal = check_request(event);
  if (refusal.code == ErrorCode::kNone && !group_.consumer && !group_.members.empty())
    refusal = upgrade(*event.known_topics, upgraded);
  const ConsumerGroup* members = upgraded          ? &*upgraded
                                 : group_.consumer ? &*group_.consumer
                                                   : nullptr;
  if (refusal.code == ErrorCode::kNone && members != nullptr)
    refusal = check_heartbeat(event, *members);
  if (refusal.code != ErrorCode::kNone) return refuse_heartbeat(event.answer, std::move(refusal));
  if (event.epoch < 0) return consumer_leave(event);

  const bool all_given =
      group_.consumer || begin_consumer_group(std::move(upgraded), *event.known_topics);
  ConsumerGroup& consumer = *group_.consumer;
  const std::string id = event.member_id;
  if (event.epoch == 0 && event.instance_id &&
      consumer.static_members.contains(*event.instance_id)) {
    replace_static(*event.instance_id, id);
  }
  const bool is_new = !consumer.members.contains(id);
  ConsumerMember& member = consumer.members[id];
  const ConsumerMember before = member;
  const bool full = event.epoch == 0 || (event.rebalance_timeout_ms != -1 && event.owned &&
                                         (event.topics || event.regex));
  Said said;
  said.owned = std::move(event.owned);
  const GroupTopicsRef topics = event.known_topics;
  member.id = id;
  update(member, event);
  if (event.instance_id) consumer.set_instance(member, std::move(event.instance_id));
  if (is_new || !member.same_subscription(before)) changed(ConsumerRecord::kMember, id);
  said.other_topics = is_new || member.topics != before.topics || member.regex != before.regex;
  refresh_targets(*topics, said.other_topics || !all_given);
  const bool moved = reconcile_member(id, said, *topics);
  member.session_deadline_ms = now_.steady_ms + limits_.consumer_session_timeout_ms;

  ConsumerHeartbeatAnswer out;
  out.to = event.answer;
  out.member_id = id;
  out.epoch = member.epoch;
  out.heartbeat_interval_ms = limits_.consumer_heartbeat_ms;
  if (full || moved) out.assignment = partitions_of(member.assigned);
  PendingConsumer answers;
  answers.heartbeats.push_back(std::move(out));
  store_consumer(std::move(answers));
}

void GroupStepper::end_consumer_group() {
  for (const ConsumerRecordKey& key : consumer_keys(group_)) changed_.push_back(key);
  group_.consumer.reset();
  store_consumer({});
}

void GroupStepper::replace_static(const std::string& instance_id, const std::string& new_id) {
  ConsumerGroup& consumer = *group_.consumer;
  const std::string old_id = consumer.static_members.at(instance_id);
  if (!consumer.members.contains(old_id)) {
    consumer.static_members.erase(instance_id);
    return;
  }
  if (old_id == new_id) {
    ConsumerMember& same = consumer.members.at(old_id);
    same.epoch = same.previous_epoch = 0;
    return changed(ConsumerRecord::kCurrent, new_id);
  }
  ConsumerMember member = consumer.members.at(old_id);
  Assignment target = consumer.targets[old_id];
  remove_consumer(old_id);
  // Whoever had that member id joins anew, as this instance.
  if (consumer.members.contains(new_id)) remove_consumer(new_id);
  member.id = new_id;
  member.epoch = member.previous_epoch = 0;
  consumer.members[new_id] = std::move(member);
  consumer.set_instance(consumer.members[new_id], instance_id);
  consumer.targets[new_id] = std::move(target);
  changed(ConsumerRecord::kMember, new_id);
  changed(ConsumerRecord::kTarget, new_id);
  changed(ConsumerRecord::kCurrent, new_id);
}

void GroupStepper::remove_consumer(const std::string& id) {
  ConsumerGroup& consumer = *group_.consumer;
  const auto at = consumer.members.find(id);
  consumer.release_instance(at->second);
  consumer.members.erase(at);
  consumer.targets.erase(id);
  changed(ConsumerRecord::kCurrent, id);
  changed(ConsumerRecord::kTarget, id);
  changed(ConsumerRecord::kMember, id);
}

void GroupStepper::fence_consumers(const std::vector<std::string>& ids, const GroupTopics& topics) {
  for (const std::string& id : ids) remove_consumer(id);
  if (may_downgrade("")) {
    downgrade(topics);
    return prepare_rebalance();
  }
  // The next heartbeat of somebody who stays looks at topics and regular expressions again, and
  // computes who gets what was theirs.
  group_.consumer->topics_version = 0;
  bump_epoch();
}

void GroupStepper::consumer_leave(ConsumerHeartbeatEvent& event) {
  ConsumerHeartbeatAnswer out;
  out.to = event.answer;
  out.member_id = event.member_id;
  out.epoch = event.epoch;
  if (event.epoch == kLeaveStaticEpoch && event.instance_id) {
    ConsumerMember& member = group_.consumer->members.at(event.member_id);
    member.epoch = kLeaveStaticEpoch;
    member.revoking.clear();
    member.state = ConsumerMemberState::kStable;
    member.rebalance_deadline_ms.reset();
    changed(ConsumerRecord::kCurrent, member.id);
  } else {
    fence_consumers({event.member_id}, *event.known_topics);
  }
  PendingConsumer answers;
  answers.heartbeats.push_back(std::move(out));
  store_consumer(std::move(answers));
}

void GroupStepper::consumer_tick(const GroupTopics& topics) {
  if (!group_.consumer) return;
  std::vector<std::string> late;
  for (const auto& [id, member] : group_.consumer->members) {
    const auto over = [this](const std::optional<std::int64_t>& deadline_ms) {
      return deadline_ms && *deadline_ms <= now_.steady_ms;
    };
    if (over(member.session_deadline_ms) || over(member.rebalance_deadline_ms) ||
        over(member.join_deadline_ms) || over(member.sync_deadline_ms)) {
      late.push_back(id);
    }
  }
  if (late.empty()) return;
  fence_consumers(late, topics);
  store_consumer({});
}

GroupStepper::Code GroupStepper::check_consumer_commit(const CommitEvent& event) const {
  const ConsumerGroup& consumer = *group_.consumer;
  if (event.generation < 0 && consumer.members.empty()) return ErrorCode::kNone;
  const auto at = consumer.members.find(event.member_id);
  if (at == consumer.members.end()) return ErrorCode::kUnknownMemberId;
  const ConsumerMember& member = at->second;
  if (!event.knows_epochs && !member.classic) return ErrorCode::kUnsupportedVersion;
  const ErrorCode stale =
      member.classic ? ErrorCode::kIllegalGeneration : ErrorCode::kStaleMemberEpoch;
  if (event.generation == member.epoch) return ErrorCode::kNone;
  if (event.generation > member.epoch) return stale;
  // An older epoch is good for partitions that the member has had since then (KIP-1251).
  const auto given = [&](const TopicPartition& partition) -> std::optional<std::int32_t> {
    const auto topic = event.known_topics->by_name.find(partition.first);
    if (topic == event.known_topics->by_name.end()) return std::nullopt;
    for (const Holdings* holdings : {&member.assigned, &member.revoking}) {
      const auto of = holdings->find(topic->second.id);
      if (of == holdings->end()) continue;
      const auto epoch = of->second.find(partition.second);
      if (epoch != of->second.end()) return epoch->second;
    }
    return std::nullopt;
  };
  const bool all = std::all_of(event.offsets.begin(), event.offsets.end(), [&](const auto& entry) {
    const std::optional<std::int32_t> epoch = given(entry.first);
    return epoch && event.generation >= *epoch;
  });
  return all ? ErrorCode::kNone : stale;
}

}  // namespace penstock::broker
