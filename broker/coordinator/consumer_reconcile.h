#pragma once

#include <optional>

#include "broker/coordinator/consumer_group.h"

namespace penstock::broker {

/// Where a member is to get to, and what it has to be careful about.
struct Reconciliation {
  std::int32_t epoch = 0;              // of the target
  const Assignment* target = nullptr;  // only of topics that it subscribes to
  const std::optional<Assignment>* owned =
      nullptr;                        // as it said in this heartbeat; none: it did not
  const Assignment* taken = nullptr;  // partitions that other members have not let go of
  bool other_topics = false;          // it subscribes to others, and has to let go of the old ones
};

/// The member's next step from its current assignment to the target (KIP-848): first it lets go of
/// what is no longer its, then it gets what others have let go of.
[[nodiscard]] ConsumerMember reconcile(ConsumerMember member, const Reconciliation& to);

/// What the members but `id` hold or have not let go of.
[[nodiscard]] Assignment taken_by_others(const ConsumerGroup& group, const std::string& id);

}  // namespace penstock::broker
