#pragma once

#include <cstdint>
#include <vector>

#include "framework/base/bytes.h"
#include "framework/base/error.h"

namespace penstock::log {

/// One entry of the offset index: the batch whose last offset is base + `relative` begins at
/// `position`.
struct OffsetEntry {
  static constexpr std::size_t kBytes = 8;
  std::uint32_t relative = 0;
  std::uint32_t position = 0;
  bool operator==(const OffsetEntry&) const = default;
};

/// One entry of the time index: up to and with the batch whose last offset is base + `relative`, no
/// timestamp is above this one, and that batch is the first that has it.
struct TimeEntry {
  static constexpr std::size_t kBytes = 12;
  std::int64_t timestamp_ms = -1;
  std::uint32_t relative = 0;
  bool operator==(const TimeEntry&) const = default;
};

/// Reads an index file's bytes. Unused space at the end (zeros that a JVM broker preallocated) is
/// dropped. kCorrupt when entries are out of order or reach beyond `log_size`: the index is then to
/// be rebuilt.
Result<std::vector<OffsetEntry>> decode_offset_index(ByteView bytes, std::uint64_t log_size);
Result<std::vector<TimeEntry>> decode_time_index(ByteView bytes);
void encode_entry(const OffsetEntry& entry, std::vector<std::byte>& out);
void encode_entry(const TimeEntry& entry, std::vector<std::byte>& out);

}  // namespace penstock::log
