#include "broker/coordinator/consumer_reconcile.h"

#include <algorithm>
#include <utility>

namespace penstock::broker {

namespace {

bool has(const Assignment& assignment, const Uuid& topic, std::int32_t partition) {
  const auto at = assignment.find(topic);
  return at != assignment.end() && at->second.contains(partition);
}

bool owns_any(const std::optional<Assignment>& owned, const Holdings& revoking) {
  if (!owned) return true;
  return std::any_of(revoking.begin(), revoking.end(), [&owned](const auto& entry) {
    return std::any_of(entry.second.begin(), entry.second.end(), [&](const auto& partition) {
      return has(*owned, entry.first, partition.first);
    });
  });
}

void set_epoch(ConsumerMember& member, std::int32_t epoch) {
  member.previous_epoch = std::exchange(member.epoch, epoch);
}

ConsumerMember next_step(ConsumerMember member, const Reconciliation& to) {
  Holdings kept;
  Holdings revoking;
  for (const auto& [topic, partitions] : member.assigned) {
    for (const auto& [partition, epoch] : partitions)
      (has(*to.target, topic, partition) ? kept : revoking)[topic][partition] = epoch;
  }
  if (!revoking.empty() && owns_any(*to.owned, revoking)) {
    member.state = ConsumerMemberState::kUnrevoked;
    set_epoch(member, member.epoch);
    member.assigned = std::move(kept);
    member.revoking = std::move(revoking);
    return member;
  }
  bool unreleased = false;
  for (const auto& [topic, partitions] : *to.target) {
    for (const std::int32_t partition : partitions) {
      if (const auto at = kept.find(topic); at != kept.end() && at->second.contains(partition))
        continue;
      if (has(*to.taken, topic, partition))
        unreleased = true;
      else
        kept[topic][partition] = to.epoch;
    }
  }
  member.state = unreleased ? ConsumerMemberState::kUnreleased : ConsumerMemberState::kStable;
  set_epoch(member, to.epoch);
  member.assigned = std::move(kept);
  member.revoking.clear();
  return member;
}

}  // namespace

ConsumerMember reconcile(ConsumerMember member, const Reconciliation& to) {
  switch (member.state) {
    case ConsumerMemberState::kStable:
      if (member.epoch == to.epoch && !to.other_topics) return member;
      break;
    case ConsumerMemberState::kUnrevoked:
      if (owns_any(*to.owned, member.revoking)) return member;
      break;
    case ConsumerMemberState::kUnreleased:
      break;
  }
  ConsumerMember before = member;
  ConsumerMember after = next_step(std::move(member), to);
  // A member that still waits for the same partitions has not moved.
  if (after.epoch == before.epoch && after.state == before.state &&
      after.assigned == before.assigned && after.revoking == before.revoking)
    return before;
  return after;
}

Assignment taken_by_others(const ConsumerGroup& group, const std::string& id) {
  Assignment out;
  for (const auto& [other, member] : group.members) {
    if (other == id) continue;
    for (const Holdings* holdings : {&member.assigned, &member.revoking}) {
      for (const auto& [topic, partitions] : *holdings) {
        for (const auto& [partition, epoch] : partitions) out[topic].insert(partition);
      }
    }
  }
  return out;
}

}  // namespace penstock::broker
