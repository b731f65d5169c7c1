#pragma once

#include <cstdint>

#include "framework/base/bytes.h"

namespace penstock {

/// CRC-32C (Castagnoli), as in record batches and producer snapshots. Uses SSE 4.2 where the
/// processor has it. crc32c_extend(crc32c(a), b) == crc32c(a followed by b). Any thread.
[[nodiscard]] std::uint32_t crc32c_extend(std::uint32_t crc, ByteView bytes);
[[nodiscard]] inline std::uint32_t crc32c(ByteView bytes) { return crc32c_extend(0, bytes); }

}  // namespace penstock
