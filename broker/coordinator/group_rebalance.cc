#include <algorithm>

#include "broker/coordinator/group_stepper.h"

namespace penstock::broker {

using protocol::ErrorCode;

namespace {
std::int32_t rebalance_timeout_ms(const Group& group) {
  std::int32_t longest = 0;
  for (const auto& [id, member] : group.members)
    longest = std::max(longest, member.rebalance_timeout_ms);
  return longest;
}
}  // namespace

void GroupStepper::enter(GroupState state) {
  group_.state = state;
  if (state == GroupState::kEmpty || state == GroupState::kStable)
    group_.state_since_ms = now_.wall_ms;
}

void GroupStepper::fail_sync(AnswerId to, Code error) {
  if (to == 0) return;
  SyncAnswer out;
  out.to = to;
  out.error = error;
  emit(std::move(out));
}

/// Assignments stay: members may still own what they had last.
void GroupStepper::fail_syncs(Code error) {
  for (auto& [id, member] : group_.members) {
    if (member.sync_answer == 0) continue;
    fail_sync(std::exchange(member.sync_answer, 0), error);
    heard_from(member);
  }
}

void GroupStepper::prepare_rebalance() {
  const bool first = group_.state == GroupState::kEmpty && limits_.initial_rebalance_delay_ms > 0;
  if (group_.state == GroupState::kCompletingRebalance) fail_syncs(ErrorCode::kRebalanceInProgress);
  group_.unsynced.clear();
  const std::int64_t timeout = rebalance_timeout_ms(group_);
  const std::int64_t delay = std::min(limits_.initial_rebalance_delay_ms, timeout);
  group_.rebalance_deadline_ms = now_.steady_ms + (first ? delay : timeout);
  group_.initial_delay_left_ms = first ? timeout - delay : -1;
  group_.member_added = false;
  const bool at_once = group_.state == GroupState::kEmpty && !first;
  enter(GroupState::kPreparingRebalance);
  // An empty group waits for its initial delay and for nothing else, not even for those that were
  // only given an id.
  if (at_once) return complete_join();
  maybe_complete_join();
}

void GroupStepper::maybe_complete_join() {
  if (group_.state != GroupState::kPreparingRebalance) return;
  // Others may come during the initial delay; but nobody is waited for once all have left.
  if (group_.initial_delay_left_ms >= 0 && !group_.members.empty()) return;
  if (!group_.pending_members.empty()) return;
  const bool all = std::all_of(group_.members.begin(), group_.members.end(),
                               [](const auto& entry) { return entry.second.join_answer != 0; });
  if (all) complete_join();
}

void GroupStepper::complete_join() {
  std::vector<std::string> gone;
  for (const auto& [id, member] : group_.members) {
    if (member.join_answer == 0 && !member.instance_id) gone.push_back(id);
  }
  for (const std::string& id : gone) remove_member(id);

  if (!group_.members.empty()) {
    const auto leads = group_.leader ? group_.members.find(*group_.leader) : group_.members.end();
    if (leads == group_.members.end() || leads->second.join_answer == 0) {
      const auto joined =
          std::find_if(group_.members.begin(), group_.members.end(),
                       [](const auto& entry) { return entry.second.join_answer != 0; });
      if (joined == group_.members.end()) {
        // Only static members are left and none came back: they keep their places until their
        // sessions end.
        group_.rebalance_deadline_ms = now_.steady_ms + rebalance_timeout_ms(group_);
        group_.initial_delay_left_ms = -1;
        return;
      }
      group_.leader = joined->first;
    }
  }
  next_generation();
}

void GroupStepper::next_generation() {
  group_.generation = group_.generation == 2'147'483'647 ? 1 : group_.generation + 1;
  group_.initial_delay_left_ms = -1;
  group_.unsynced.clear();
  if (group_.members.empty()) {
    group_.protocol.reset();
    group_.leader.reset();
    enter(GroupState::kEmpty);
    store_group(nullptr, PendingEmpty{});
    return;
  }
  group_.protocol = vote();
  enter(GroupState::kCompletingRebalance);
  group_.sync_deadline_ms = now_.steady_ms + rebalance_timeout_ms(group_);
  for (auto& [id, member] : group_.members) {
    if (member.join_answer != 0) group_.unsynced.insert(id);
  }
  for (auto& [id, member] : group_.members) answer_joined(member);
}

void GroupStepper::answer_joined(Member& member) {
  // A static member that was not there for this round keeps its place, and its old deadline.
  if (member.join_answer == 0) return;
  answer_current_generation(member, std::exchange(member.join_answer, 0));
  member.is_new = false;
  heard_from(member);
}

std::vector<JoinedMember> GroupStepper::joined_members() const {
  std::vector<JoinedMember> out;
  for (const auto& [id, member] : group_.members) {
    const std::string* metadata = group_.protocol ? member.metadata(*group_.protocol) : nullptr;
    out.push_back({id, member.instance_id, metadata != nullptr ? *metadata : ""});
  }
  return out;
}

std::string GroupStepper::vote() const {
  std::map<std::string, int> votes;
  for (const auto& [id, member] : group_.members) {
    // Each member votes for the first of its protocols that all speak.
    const auto choice = std::find_if(
        member.protocols.begin(), member.protocols.end(), [this](const GroupProtocol& offered) {
          return std::all_of(group_.members.begin(), group_.members.end(),
                             [&offered](const auto& other) {
                               return other.second.metadata(offered.name) != nullptr;
                             });
        });
    if (choice != member.protocols.end()) ++votes[choice->name];
  }
  const auto best = std::max_element(
      votes.begin(), votes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return best == votes.end() ? "" : best->first;
}

void GroupStepper::on(SyncEvent& event) {
  if (group_.state == GroupState::kDead)
    return fail_sync(event.answer, ErrorCode::kCoordinatorNotAvailable);
  if (group_.consumer && !group_.consumer->members.empty()) return sync_mixed(event);
  if (const Code error = check_member(event.member_id, event.instance_id);
      error != ErrorCode::kNone) {
    return fail_sync(event.answer, error);
  }
  if (event.generation != group_.generation)
    return fail_sync(event.answer, ErrorCode::kIllegalGeneration);
  if ((event.protocol_type && event.protocol_type != group_.protocol_type) ||
      (event.protocol && group_.protocol && event.protocol != group_.protocol)) {
    return fail_sync(event.answer, ErrorCode::kInconsistentGroupProtocol);
  }
  Member& member = group_.members.at(event.member_id);
  switch (group_.state) {
    case GroupState::kEmpty:
    case GroupState::kDead:
      return fail_sync(event.answer, ErrorCode::kUnknownMemberId);
    case GroupState::kPreparingRebalance:
      return fail_sync(event.answer, ErrorCode::kRebalanceInProgress);
    case GroupState::kCompletingRebalance: {
      fail_sync(std::exchange(member.sync_answer, event.answer), ErrorCode::kRebalanceInProgress);
      group_.unsynced.erase(member.id);
      if (group_.leader != event.member_id) return;
      std::erase_if(event.assignments,
                    [this](const auto& entry) { return !group_.members.contains(entry.first); });
      const auto assignments = event.assignments;
      store_group(&assignments, PendingAssignment{group_.generation, std::move(event.assignments)});
      return;
    }
    case GroupState::kStable:
      group_.unsynced.erase(member.id);
      member.sync_answer = event.answer;
      return answer_sync(member);
  }
}

void GroupStepper::answer_sync(Member& member) {
  heard_from(member);
  if (member.sync_answer == 0) return;
  SyncAnswer out;
  out.to = std::exchange(member.sync_answer, 0);
  out.protocol_type = group_.protocol_type;
  out.protocol = group_.protocol;
  out.assignment = member.assignment;
  emit(std::move(out));
}

void GroupStepper::assignment_stored(const PendingAssignment& pending, Code error) {
  // A rebalance that began meanwhile has answered everybody already.
  if (group_.state != GroupState::kCompletingRebalance || pending.generation != group_.generation)
    return;
  if (error != ErrorCode::kNone) {
    fail_syncs(error);
    return prepare_rebalance();
  }
  enter(GroupState::kStable);
  for (auto& [id, member] : group_.members) {
    const auto at = pending.assignments.find(id);
    member.assignment = at != pending.assignments.end() ? at->second : "";
    if (member.sync_answer != 0) answer_sync(member);
  }
}

}  // namespace penstock::broker
