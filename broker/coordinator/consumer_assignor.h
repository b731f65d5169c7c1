#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/coordinator/consumer_group.h"

// The server's assignors (KIP-848) as pure functions. Every partition of a topic that somebody
// subscribes to goes to exactly one of its subscribers.
namespace penstock::broker {

struct AssignorMember {
  std::optional<std::string> instance_id;
  std::vector<Uuid> topics;  // that exist; each once
  Assignment before;         // its last target
};
struct AssignorInput {
  std::map<Uuid, std::int32_t> partitions;  // of each topic
  std::map<std::string, AssignorMember> members;
};
using Assignor = std::map<std::string, Assignment> (*)(const AssignorInput& input);

/// As even as subscriptions allow: no partition could go to a subscriber who has two fewer than its
/// owner. Moves no more than that takes.
[[nodiscard]] std::map<std::string, Assignment> assign_uniform(const AssignorInput& input);
/// Each topic by itself in ranges over its subscribers, in the order of instance ids, then member
/// ids: the same numbers of topics with as many partitions meet at the same member.
[[nodiscard]] std::map<std::string, Assignment> assign_range(const AssignorInput& input);

/// "uniform" or "range"; nullptr for any other name.
[[nodiscard]] Assignor find_assignor(std::string_view name);

}  // namespace penstock::broker
