#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "broker/topic_admin.h"

namespace penstock::broker {

/// What is wrong with a manual assignment of a partition; nullopt when it names this broker alone.
/// There is no other.
[[nodiscard]] inline std::optional<ApiError> check_replicas(std::span<const std::int32_t> replicas,
                                                            BrokerId self) {
  const auto refuse = [](const std::string& what) {
    return ApiError{protocol::ErrorCode::kInvalidReplicaAssignment,
                    "The manual partition assignment includes " + what};
  };
  if (replicas.empty()) return refuse("an empty replica list.");
  std::set<std::int32_t> sorted;
  for (const std::int32_t id : replicas) {
    if (!sorted.insert(id).second)
      return refuse("the broker " + std::to_string(id) + " more than once.");
  }
  for (const std::int32_t id : sorted) {
    if (id != self.value)
      return refuse("broker " + std::to_string(id) + ", but no such broker is registered.");
  }
  return std::nullopt;
}

}  // namespace penstock::broker
