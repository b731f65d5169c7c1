#pragma once

#include <cstdint>

// KIP-430: a bit for each operation that the client may do. There are no ACLs: all that exist for
// the kind of resource.
namespace penstock::broker {

inline constexpr std::int32_t kTopicOperations = 0b1101'1111'1000;
inline constexpr std::int32_t kGroupOperations = 0b1101'0100'1000;
inline constexpr std::int32_t kClusterOperations = 0b1'1111'1010'0000;

}  // namespace penstock::broker
