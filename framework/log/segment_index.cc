#include "framework/log/segment_index.h"

namespace penstock::log {

Result<std::vector<OffsetEntry>> decode_offset_index(ByteView bytes, std::uint64_t log_size) {
  if (bytes.size() % OffsetEntry::kBytes != 0)
    return fail(Errc::kCorrupt, "offset index has a partial entry");
  std::vector<OffsetEntry> entries;
  entries.reserve(bytes.size() / OffsetEntry::kBytes);
  for (std::size_t at = 0; at < bytes.size(); at += OffsetEntry::kBytes) {
    const OffsetEntry entry{load_be<std::uint32_t>(bytes.data() + at),
                            load_be<std::uint32_t>(bytes.data() + at + 4)};
    // Position 0 never gets an entry, so zeros are preallocated space: nothing may follow it.
    if (entry == OffsetEntry{}) {
      for (std::size_t rest = at; rest < bytes.size(); ++rest) {
        if (bytes[rest] != std::byte{0}) return fail(Errc::kCorrupt, "offset index has a hole");
      }
      break;
    }
    const bool rises = entries.empty() || (entry.relative > entries.back().relative &&
                                           entry.position > entries.back().position);
    if (!rises || entry.position == 0 || entry.position >= log_size || entry.relative > INT32_MAX) {
      return fail(Errc::kCorrupt, "offset index is out of order");
    }
    entries.push_back(entry);
  }
  return entries;
}

Result<std::vector<TimeEntry>> decode_time_index(ByteView bytes) {
  if (bytes.size() % TimeEntry::kBytes != 0)
    return fail(Errc::kCorrupt, "time index has a partial entry");
  std::vector<TimeEntry> entries;
  entries.reserve(bytes.size() / TimeEntry::kBytes);
  for (std::size_t at = 0; at < bytes.size(); at += TimeEntry::kBytes) {
    const TimeEntry entry{load_be<std::int64_t>(bytes.data() + at),
                          load_be<std::uint32_t>(bytes.data() + at + 8)};
    if (entry == TimeEntry{0, 0} && !entries.empty()) {
      for (std::size_t rest = at; rest < bytes.size(); ++rest) {
        if (bytes[rest] != std::byte{0}) return fail(Errc::kCorrupt, "time index has a hole");
      }
      break;
    }
    if (entry.timestamp_ms < 0 || entry.relative > INT32_MAX ||
        (!entries.empty() && (entry.timestamp_ms <= entries.back().timestamp_ms ||
                              entry.relative < entries.back().relative))) {
      return fail(Errc::kCorrupt, "time index is out of order");
    }
    entries.push_back(entry);
  }
  return entries;
}

void encode_entry(const OffsetEntry& entry, std::vector<std::byte>& out) {
  const std::size_t at = out.size();
  out.resize(at + OffsetEntry::kBytes);
  store_be(out.data() + at, entry.relative);
  store_be(out.data() + at + 4, entry.position);
}

void encode_entry(const TimeEntry& entry, std::vector<std::byte>& out) {
  const std::size_t at = out.size();
  out.resize(at + TimeEntry::kBytes);
  store_be(out.data() + at, entry.timestamp_ms);
  store_be(out.data() + at + 8, entry.relative);
}

}  // namespace penstock::log
