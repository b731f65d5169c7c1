#include "broker/coordinator/consumer_group.h"

#include <algorithm>
#include <tuple>

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
                    m.rebalance_timeout_ms, m.assignor);
  };
  return parts(*this) == parts(other);
}

bool ConsumerMember::same_assignment(const ConsumerMember& other) const {
  const auto parts = [](const ConsumerMember& m) {
    return std::tie(m.epoch, m.previous_epoch, m.state, m.assigned, m.revoking);
  };
  return parts(*this) == parts(other);
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
    if (member.assignor) ++votes[*member.assignor];
  }
  const auto best = std::max_element(
      votes.begin(), votes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return best == votes.end() ? fallback : best->first;
}

}  // namespace penstock::broker
