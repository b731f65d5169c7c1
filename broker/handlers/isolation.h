#pragma once

#include <cstdint>

namespace penstock::broker {

/// Isolation levels of Fetch and ListOffsets; below it is READ_UNCOMMITTED, and there are no
/// others.
inline constexpr std::int8_t kReadCommitted = 1;

[[nodiscard]] constexpr bool is_isolation_level(std::int8_t level) {
  return level >= 0 && level <= kReadCommitted;
}

}  // namespace penstock::broker
