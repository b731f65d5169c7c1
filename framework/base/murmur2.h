#pragma once

#include <cstdint>

#include "framework/base/bytes.h"

namespace penstock {

/// Kafka's key hash (murmur2, seed 0x9747b28c).
[[nodiscard]] std::uint32_t murmur2(ByteView key);
/// The partition that the Java client's default partitioner chooses for `key`. `count` > 0.
[[nodiscard]] std::int32_t partition_for_key(ByteView key, std::int32_t count);

}  // namespace penstock
