#include <algorithm>

#include "broker/coordinator/group_stepper.h"

namespace penstock::broker {

using protocol::ErrorCode;

GroupEffects step(Group& group, GroupEvent event, Moment now, const GroupLimits& limits) {
  GroupEffects effects;
  GroupStepper stepper(group, now, limits, effects);
  std::visit([&stepper](auto& e) { stepper.on(e); }, event);
  return effects;
}

void GroupStepper::fail_join(AnswerId to, Code error, const std::string& member_id) {
  if (to == 0) return;
  JoinAnswer out;
  out.to = to;
  out.error = error;
  out.member_id = member_id;
  emit(std::move(out));
}

bool GroupStepper::accepts(const JoinEvent& event) const {
  if (event.protocol_type.empty() || event.protocols.empty()) return false;
  if (group_.members.empty()) return true;
  if (group_.protocol_type != event.protocol_type) return false;
  return std::any_of(event.protocols.begin(), event.protocols.end(),
                     [this](const GroupProtocol& offered) {
                       return std::all_of(group_.members.begin(), group_.members.end(),
                                          [&offered](const auto& entry) {
                                            return entry.second.metadata(offered.name) != nullptr;
                                          });
                     });
}

bool GroupStepper::has_room(const JoinEvent& event) const {
  const auto max = static_cast<std::size_t>(limits_.members_max);
  if (group_.members.size() + group_.pending_members.size() < max) return true;
  // Full. Who is inside stays inside, unless the group is too large and a rebalance decides anew
  // who may stay.
  if (group_.pending_members.contains(event.member_id)) return group_.members.size() < max;
  const auto at = group_.members.find(event.member_id);
  if (at != group_.members.end()) {
    if (group_.state != GroupState::kPreparingRebalance || at->second.join_answer != 0) return true;
    const auto waiting =
        std::count_if(group_.members.begin(), group_.members.end(),
                      [](const auto& entry) { return entry.second.join_answer != 0; });
    return static_cast<std::size_t>(waiting) < max;
  }
  return event.instance_id && group_.static_members.contains(*event.instance_id);
}

void GroupStepper::on(JoinEvent& event) {
  if (group_.state == GroupState::kDead || group_.deleting) {
    return fail_join(event.answer, ErrorCode::kCoordinatorNotAvailable, event.member_id);
  }
  if (event.session_timeout_ms < limits_.session_timeout_min_ms ||
      event.session_timeout_ms > limits_.session_timeout_max_ms) {
    return fail_join(event.answer, ErrorCode::kInvalidSessionTimeout, event.member_id);
  }
  if (event.rebalance_timeout_ms <= 0) event.rebalance_timeout_ms = event.session_timeout_ms;
  if (group_.consumer && !group_.consumer->members.empty()) return join_mixed(event);
  if (!has_room(event)) {
    group_.pending_members.erase(event.member_id);
    fail_join(event.answer, ErrorCode::kGroupMaxSizeReached, "");
    return maybe_complete_join();
  }
  if (group_.consumer) end_consumer_group();
  if (event.member_id.empty())
    join_unknown(event);
  else
    join_known(event);
}

void GroupStepper::join_unknown(JoinEvent& event) {
  if (!accepts(event)) return fail_join(event.answer, ErrorCode::kInconsistentGroupProtocol, "");
  if (event.instance_id) {
    const auto known = group_.static_members.find(*event.instance_id);
    if (known != group_.static_members.end()) {
      const std::string old_id = known->second;
      return join_static_again(event, old_id);
    }
    return add_member(event, event.new_member_id);
  }
  if (event.member_id_required) {
    group_.pending_members[event.new_member_id] = now_.steady_ms + event.session_timeout_ms;
    return fail_join(event.answer, ErrorCode::kMemberIdRequired, event.new_member_id);
  }
  add_member(event, event.new_member_id);
}

void GroupStepper::join_known(JoinEvent& event) {
  if (group_.pending_members.contains(event.member_id)) {
    if (!accepts(event))
      return fail_join(event.answer, ErrorCode::kInconsistentGroupProtocol, event.member_id);
    // An id from MEMBER_ID_REQUIRED belongs to a dynamic member.
    if (event.instance_id)
      return fail_join(event.answer, ErrorCode::kUnknownMemberId, event.member_id);
    group_.pending_members.erase(event.member_id);
    return add_member(event, event.member_id);
  }
  if (const Code error = check_member(event.member_id, event.instance_id);
      error != ErrorCode::kNone) {
    return fail_join(event.answer, error, event.member_id);
  }
  if (!accepts(event))
    return fail_join(event.answer, ErrorCode::kInconsistentGroupProtocol, event.member_id);

  Member& member = group_.members.at(event.member_id);
  const bool same = member.protocols == event.protocols;
  switch (group_.state) {
    case GroupState::kPreparingRebalance:
      update_member(member, event);
      wait_for_rebalance(member, event.answer);
      return maybe_complete_join();
    case GroupState::kCompletingRebalance:
      // It did not get its answer; the rest of the group goes on as before.
      if (same) return answer_current_generation(member, event.answer);
      break;
    case GroupState::kStable:
      // A leader joins again when it wants new assignments; a follower that offers the same has
      // lost its answer.
      if (same && group_.leader != event.member_id)
        return answer_current_generation(member, event.answer);
      break;
    case GroupState::kEmpty:
    case GroupState::kDead:
      return fail_join(event.answer, ErrorCode::kUnknownMemberId, event.member_id);
  }
  update_member(member, event);
  wait_for_rebalance(member, event.answer);
  prepare_rebalance();
}

void GroupStepper::answer_current_generation(const Member& member, AnswerId to) {
  JoinAnswer out;
  out.to = to;
  out.generation = group_.generation;
  out.protocol_type = group_.protocol_type;
  out.protocol = group_.protocol;
  out.leader = group_.leader.value_or("");
  out.member_id = member.id;
  if (group_.leader == member.id) out.members = joined_members();
  emit(std::move(out));
}

void GroupStepper::add_member(JoinEvent& event, const std::string& id) {
  Member member;
  member.id = id;
  member.instance_id = event.instance_id;
  member.client_id = std::move(event.client_id);
  member.client_host = std::move(event.client_host);
  member.session_timeout_ms = event.session_timeout_ms;
  member.rebalance_timeout_ms = event.rebalance_timeout_ms;
  member.protocols = std::move(event.protocols);
  member.is_new = true;
  member.join_answer = event.answer;
  // A new member that waits may be gone without a word; five minutes, as in Kafka, and not its
  // session timeout: rebalances take long.
  member.expires_ms = now_.steady_ms + kNewMemberJoinMs;
  if (group_.members.empty()) group_.protocol_type = event.protocol_type;
  if (!group_.leader) group_.leader = id;
  if (event.instance_id) group_.static_members[*event.instance_id] = id;
  group_.members.emplace(id, std::move(member));
  group_.member_added = true;
  if (group_.state == GroupState::kPreparingRebalance)
    maybe_complete_join();
  else
    prepare_rebalance();
}

void GroupStepper::update_member(Member& member, JoinEvent& event) {
  member.protocols = std::move(event.protocols);
  member.session_timeout_ms = event.session_timeout_ms;
  member.rebalance_timeout_ms = event.rebalance_timeout_ms;
  member.client_id = std::move(event.client_id);
  member.client_host = std::move(event.client_host);
}

void GroupStepper::wait_for_rebalance(Member& member, AnswerId to) {
  fail_join(std::exchange(member.join_answer, to), ErrorCode::kRebalanceInProgress, member.id);
  fail_sync(std::exchange(member.sync_answer, 0), ErrorCode::kRebalanceInProgress);
}

Member& GroupStepper::rename_static(const std::string& instance_id, const std::string& old_id,
                                    const std::string& new_id) {
  auto node = group_.members.extract(old_id);
  node.key() = new_id;
  Member& member = node.mapped();
  fail_join(std::exchange(member.join_answer, 0), ErrorCode::kFencedInstanceId, old_id);
  fail_sync(std::exchange(member.sync_answer, 0), ErrorCode::kFencedInstanceId);
  member.id = new_id;
  if (group_.leader == old_id) group_.leader = new_id;
  if (group_.unsynced.erase(old_id) != 0) group_.unsynced.insert(new_id);
  group_.static_members[instance_id] = new_id;
  return group_.members.insert(std::move(node)).position->second;
}

void GroupStepper::join_static_again(JoinEvent& event, const std::string& old_id) {
  const std::optional<std::string> leader_before = group_.leader;
  const bool skip_known = event.skip_assignment_known;
  const AnswerId to = event.answer;
  Member& member = rename_static(*event.instance_id, old_id, event.new_member_id);
  update_member(member, event);
  heard_from(member);
  if (group_.state == GroupState::kStable && vote() == group_.protocol) {
    // KIP-345: the member came back, nothing changes but its id. Its answer waits until the new id
    // is stored.
    PendingStaticMember pending;
    pending.old_member_id = old_id;
    JoinAnswer& out = pending.answer;
    out.to = to;
    out.generation = group_.generation;
    out.protocol_type = group_.protocol_type;
    out.protocol = group_.protocol;
    out.member_id = member.id;
    // Before v9 a leader is told its old id, so that it does not compute assignments that nobody
    // waits for (KIP-814).
    out.leader = (skip_known ? group_.leader : leader_before).value_or("");
    if (skip_known && group_.leader == member.id) {
      out.skip_assignment = true;
      out.members = joined_members();
    }
    store_group(nullptr, std::move(pending));
    return;
  }
  wait_for_rebalance(member, to);
  if (group_.state == GroupState::kPreparingRebalance)
    maybe_complete_join();
  else
    prepare_rebalance();
}

void GroupStepper::static_member_stored(PendingStaticMember& pending, Code error) {
  if (error == ErrorCode::kNone) {
    emit(std::move(pending.answer));
    return;
  }
  const auto at = group_.members.find(pending.answer.member_id);
  if (at != group_.members.end() && at->second.instance_id) {
    const std::string instance = *at->second.instance_id;
    rename_static(instance, pending.answer.member_id, pending.old_member_id);
  }
  fail_join(pending.answer.to, error, "");
}

GroupStepper::Code GroupStepper::check_member(const std::string& id,
                                              const std::optional<std::string>& instance_id) const {
  if (instance_id) {
    const auto known = group_.static_members.find(*instance_id);
    if (known == group_.static_members.end()) return ErrorCode::kUnknownMemberId;
    if (known->second != id) return ErrorCode::kFencedInstanceId;
  }
  return group_.members.contains(id) ? ErrorCode::kNone : ErrorCode::kUnknownMemberId;
}

void GroupStepper::on(HeartbeatEvent& event) {
  if (group_.state == GroupState::kDead)
    return answer(event.answer, ErrorCode::kCoordinatorNotAvailable);
  if (group_.consumer && !group_.consumer->members.empty()) return heartbeat_mixed(event);
  if (const Code error = check_member(event.member_id, event.instance_id);
      error != ErrorCode::kNone) {
    return answer(event.answer, error);
  }
  if (event.generation != group_.generation)
    return answer(event.answer, ErrorCode::kIllegalGeneration);
  heard_from(group_.members.at(event.member_id));
  answer(event.answer, group_.state == GroupState::kPreparingRebalance
                           ? ErrorCode::kRebalanceInProgress
                           : ErrorCode::kNone);
}

void GroupStepper::on(LeaveEvent& event) {
  if (group_.consumer && !group_.consumer->members.empty()) return leave_mixed(event);
  LeaveAnswer out;
  out.to = event.answer;
  for (LeaveEvent::Who& who : event.members) {
    const Code error = leave_one(who);
    out.members.push_back({std::move(who.member_id), std::move(who.instance_id), error});
  }
  if (out.to != 0) emit(std::move(out));
}

GroupStepper::Code GroupStepper::leave_one(const LeaveEvent::Who& who) {
  if (group_.state == GroupState::kDead) return ErrorCode::kCoordinatorNotAvailable;
  std::string id = who.member_id;
  if (id.empty() && who.instance_id) {  // an operator removes a static member by its name alone
    const auto known = group_.static_members.find(*who.instance_id);
    if (known == group_.static_members.end()) return ErrorCode::kUnknownMemberId;
    id = known->second;
  }
  if (!who.instance_id && group_.pending_members.erase(id) != 0) {
    maybe_complete_join();
    return ErrorCode::kNone;
  }
  if (const Code error = check_member(id, who.instance_id); error != ErrorCode::kNone) return error;
  remove_and_rebalance(id);
  return ErrorCode::kNone;
}

void GroupStepper::remove_member(const std::string& id) {
  const auto at = group_.members.find(id);
  Member& member = at->second;
  fail_join(member.join_answer, ErrorCode::kUnknownMemberId, id);
  fail_sync(member.sync_answer, ErrorCode::kUnknownMemberId);
  if (member.instance_id) group_.static_members.erase(*member.instance_id);
  group_.unsynced.erase(id);
  const bool led = group_.leader == id;
  group_.members.erase(at);
  if (led) {
    group_.leader.reset();
    if (!group_.members.empty()) group_.leader = group_.members.begin()->first;
  }
}

void GroupStepper::remove_and_rebalance(const std::string& id) {
  remove_member(id);
  if (group_.state == GroupState::kStable || group_.state == GroupState::kCompletingRebalance)
    prepare_rebalance();
  else
    maybe_complete_join();
}

void GroupStepper::on(TickEvent& event) {
  static const GroupTopics kNoTopics;
  consumer_tick(event.known_topics ? *event.known_topics : kNoTopics);
  const std::int64_t now = now_.steady_ms;
  if (std::erase_if(group_.pending_members,
                    [now](const auto& entry) { return entry.second <= now; }) != 0) {
    maybe_complete_join();
  }
  std::vector<std::string> expired;
  for (const auto& [id, member] : group_.members) {
    const bool waits = member.join_answer != 0 || member.sync_answer != 0;
    if (member.expires_ms <= now && (!waits || member.is_new)) expired.push_back(id);
  }
  for (const std::string& id : expired) {
    // Removing one may have completed a rebalance, which gave the others time.
    const auto at = group_.members.find(id);
    if (at != group_.members.end() && at->second.expires_ms <= now) remove_and_rebalance(id);
  }
  if (!group_.unsynced.empty() && group_.sync_deadline_ms <= now) {
    const std::set<std::string> late = std::exchange(group_.unsynced, {});
    for (const std::string& id : late) remove_member(id);
    prepare_rebalance();
  }
  if (group_.state == GroupState::kPreparingRebalance && group_.rebalance_deadline_ms <= now) {
    if (group_.initial_delay_left_ms > 0 && group_.member_added) {
      const std::int64_t more =
          std::min(limits_.initial_rebalance_delay_ms, group_.initial_delay_left_ms);
      group_.initial_delay_left_ms -= more;
      group_.rebalance_deadline_ms = now + more;
      group_.member_added = false;
    } else {
      complete_join();
    }
  }
}

std::optional<std::int64_t> wake_ms(const Group& group) {
  std::optional<std::int64_t> first;
  const auto at = [&first](std::int64_t when) {
    if (!first || when < *first) first = when;
  };
  for (const auto& [id, when] : group.pending_members) at(when);
  for (const auto& [id, member] : group.members) {
    const bool waits = member.join_answer != 0 || member.sync_answer != 0;
    if (!waits || member.is_new) at(member.expires_ms);
  }
  if (group.state == GroupState::kPreparingRebalance) at(group.rebalance_deadline_ms);
  if (!group.unsynced.empty()) at(group.sync_deadline_ms);
  if (group.consumer) {
    for (const auto& [id, member] : group.consumer->members) {
      at(member.session_deadline_ms);
      for (const auto& deadline_ms :
           {member.rebalance_deadline_ms, member.join_deadline_ms, member.sync_deadline_ms}) {
        if (deadline_ms) at(*deadline_ms);
      }
    }
  }
  return first;
}

}  // namespace penstock::broker
