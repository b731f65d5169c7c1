#include "broker/coordinator/consumer_group.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "broker/coordinator/consumer_assignor.h"
#include "broker/coordinator/consumer_reconcile.h"

namespace penstock::broker {

Assignment partitions_of(const Holdings& holdings) {
  Assignment out;
  for (const auto& [topic, partitions] : holdings) {
    for (const auto& [partition, epoch] : partitions) out[topic].insert(partition);
  }
  return out;
}

bool ConsumerMember::same_subscription(const ConsumerMember& other) const {
  const auto parts = [](const ConsumerMember& m) {
    return std::tie(m.instance_id, m.rack_id, m.client_id, m.client_host, m.topics, m.regex,
                    m.rebalance_timeout_ms, m.assignor, m.classic);
  };
  return parts(*this) == parts(other);
}

bool ConsumerMember::same_assignment(const ConsumerMember& other) const {
  const auto parts = [](const ConsumerMember& m) {
    return std::tie(m.epoch, m.previous_epoch, m.state, m.assigned, m.revoking);
  };
  return parts(*this) == parts(other);
}

void ConsumerGroup::set_instance(ConsumerMember& member, std::optional<std::string> instance_id) {
  release_instance(member);
  member.instance_id = std::move(instance_id);
  if (member.instance_id) static_members[*member.instance_id] = member.id;
}

void ConsumerGroup::release_instance(const ConsumerMember& member) {
  if (!member.instance_id) return;
  const auto known = static_members.find(*member.instance_id);
  if (known != static_members.end() && known->second == member.id) static_members.erase(known);
}

bool waits_for_others(const ConsumerGroup& group, const ConsumerMember& member) {
  const auto target = group.targets.find(member.id);
  if (target == group.targets.end()) return false;
  const Assignment taken = taken_by_others(group, member.id);
  return std::any_of(target->second.begin(), target->second.end(), [&](const auto& entry) {
    const auto has = member.assigned.find(entry.first);
    const auto of = taken.find(entry.first);
    return of != taken.end() &&
           std::any_of(entry.second.begin(), entry.second.end(), [&](std::int32_t partition) {
             const bool mine = has != member.assigned.end() && has->second.contains(partition);
             return !mine && of->second.contains(partition);
           });
  });
}

std::string_view state_name(const ConsumerGroup& group) {
  if (group.members.empty()) return "Empty";
  if (group.epoch > group.assignment_epoch) return "Assigning";
  const bool all = std::all_of(group.members.begin(), group.members.end(), [&](const auto& entry) {
    return entry.second.state == ConsumerMemberState::kStable &&
           entry.second.epoch == group.assignment_epoch;
  });
  return all ? "Stable" : "Reconciling";
}

std::set<std::string, std::less<>> topics_of(const ConsumerGroup& group,
                                             const ConsumerMember& member) {
  std::set<std::string, std::less<>> out = member.topics;
  if (const auto at = group.regexes.find(member.regex); at != group.regexes.end())
    out.insert(at->second.topics.begin(), at->second.topics.end());
  return out;
}

std::set<std::string, std::less<>> subscribed_topics(const ConsumerGroup& group) {
  std::set<std::string, std::less<>> out;
  for (const auto& [id, member] : group.members) out.merge(topics_of(group, member));
  return out;
}

std::string assignor_of(const ConsumerGroup& group, const std::string& fallback) {
  std::map<std::string, int> votes;
  for (const auto& [id, member] : group.members) {
    // A stored name may be that of another broker's assignor.
    if (member.assignor && find_assignor(*member.assignor) != nullptr) ++votes[*member.assignor];
  }
  const auto best = std::max_element(
      votes.begin(), votes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return best == votes.end() ? fallback : best->first;
}

}  // namespace penstock::broker
