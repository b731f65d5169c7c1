#include "framework/log/producer_state.h"

#include <algorithm>

#include "framework/base/crc32c.h"

namespace penstock::log {
namespace {

constexpr std::size_t kSnapshotHeaderBytes = 10;  // version, CRC, count
constexpr std::size_t kSnapshotEntryBytes = 46;
constexpr std::int16_t kSnapshotVersion = 1;

// Sequences wrap from 2^31-1 to 0.
std::int32_t advance(std::int32_t sequence, std::int32_t by) {
  return static_cast<std::int32_t>((static_cast<std::int64_t>(sequence) + by) & INT32_MAX);
}

}  // namespace

SequenceCheck ProducerState::check(const record::BatchHeader& header) const {
  SequenceCheck result;
  if (header.producer_id.value < 0 || header.control()) return result;
  const auto found = entries_.find(header.producer_id.value);
  if (found == entries_.end()) return result;
  const Entry& entry = found->second;
  if (header.producer_epoch < entry.epoch) {
    result.verdict = SequenceVerdict::kFenced;
    return result;
  }
  if (header.producer_epoch > entry.epoch) {
    if (header.base_sequence > 0 && entry.epoch.value >= 0)
      result.verdict = SequenceVerdict::kOutOfOrder;
    return result;
  }
  if (header.base_sequence < 0) return result;  // of a coordinator
  const std::int32_t last = advance(header.base_sequence, header.last_offset_delta);
  for (const Batch& batch : entry.batches) {
    if (batch.first_sequence != header.base_sequence || batch.last_sequence != last) continue;
    result.verdict = SequenceVerdict::kDuplicate;
    result.duplicate_base_offset = batch.last_offset - batch.offset_delta;
    result.duplicate_last_offset = batch.last_offset;
    result.duplicate_timestamp_ms = batch.timestamp_ms;
    return result;
  }
  const std::int32_t expected =
      entry.batches.empty() ? 0 : advance(entry.batches.back().last_sequence, 1);
  if (header.base_sequence != expected) result.verdict = SequenceVerdict::kOutOfOrder;
  return result;
}

std::optional<ProducerState::Aborted> ProducerState::appended(const record::BatchHeader& header,
                                                              std::optional<std::int16_t> marker,
                                                              std::int32_t coordinator_epoch) {
  if (header.producer_id.value < 0) return std::nullopt;
  Entry& entry = entries_[header.producer_id.value];
  if (entry.epoch != header.producer_epoch) entry.batches.clear();
  entry.epoch = header.producer_epoch;
  entry.last_timestamp_ms = header.max_timestamp_ms;
  entry.idle_since_ms = -1;
  if (!header.control()) {
    if (entry.batches.size() == kBatchesKept) entry.batches.erase(entry.batches.begin());
    entry.batches.push_back(
        {header.base_sequence,
         header.base_sequence < 0 ? -1 : advance(header.base_sequence, header.last_offset_delta),
         header.last_offset(), header.last_offset_delta, header.max_timestamp_ms});
    if (header.transactional() && entry.transaction_first == Offset::kNone) {
      entry.transaction_first = header.base_offset;
      open_[header.base_offset.value] = header.producer_id.value;
    }
    return std::nullopt;
  }
  if (!marker) return std::nullopt;
  entry.coordinator_epoch = coordinator_epoch;
  if (entry.transaction_first == Offset::kNone) return std::nullopt;
  const Offset first = entry.transaction_first;
  open_.erase(first.value);
  entry.transaction_first = Offset::kNone;
  if (*marker != 0) return std::nullopt;
  const Offset last = header.last_offset();
  return Aborted{header.producer_id, first, last,
                 open_.empty() ? last + 1 : Offset(open_.begin()->first)};
}

Offset ProducerState::first_unstable() const {
  return open_.empty() ? Offset::kNone : Offset(open_.begin()->first);
}

void ProducerState::expire(std::int64_t now_ms, std::int64_t expiration_ms) {
  for (auto& [id, entry] : entries_) {
    if (entry.idle_since_ms < 0 || entry.idle_since_ms > now_ms) entry.idle_since_ms = now_ms;
  }
  std::erase_if(entries_, [&](const auto& item) {
    return item.second.transaction_first == Offset::kNone &&
           now_ms - item.second.idle_since_ms > expiration_ms;
  });
}

std::size_t ProducerState::encoded_bytes() const {
  return kSnapshotHeaderBytes + entries_.size() * kSnapshotEntryBytes;
}

std::vector<std::byte> ProducerState::encode() const {
  std::vector<std::int64_t> ids;
  ids.reserve(entries_.size());
  for (const auto& [id, entry] : entries_) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  std::vector<std::byte> out(kSnapshotHeaderBytes + ids.size() * kSnapshotEntryBytes);
  store_be(out.data(), kSnapshotVersion);
  store_be(out.data() + 6, static_cast<std::int32_t>(ids.size()));
  std::byte* at = out.data() + kSnapshotHeaderBytes;
  for (const std::int64_t id : ids) {
    const Entry& entry = entries_.at(id);
    const Batch last = entry.batches.empty() ? Batch{} : entry.batches.back();
    store_be(at, id);
    store_be(at + 8, entry.epoch.value);
    store_be(at + 10, last.last_sequence);
    store_be(at + 14, last.last_offset.value);
    store_be(at + 22, last.offset_delta);
    store_be(at + 26, entry.last_timestamp_ms);
    store_be(at + 34, entry.coordinator_epoch);
    store_be(at + 38, entry.transaction_first.value);
    at += kSnapshotEntryBytes;
  }
  store_be(out.data() + 2, crc32c(ByteView(out).subspan(6)));
  return out;
}

Status ProducerState::decode(ByteView bytes) {
  if (bytes.size() < kSnapshotHeaderBytes)
    return fail(Errc::kCorrupt, "producer snapshot is cut short");
  if (load_be<std::int16_t>(bytes.data()) != kSnapshotVersion)
    return fail(Errc::kUnsupported, "producer snapshot of an unknown version");
  if (load_be<std::uint32_t>(bytes.data() + 2) != crc32c(bytes.subspan(6)))
    return fail(Errc::kCorrupt, "producer snapshot has a bad CRC");
  const auto count = load_be<std::int32_t>(bytes.data() + 6);
  if (count < 0 || bytes.size() != kSnapshotHeaderBytes +
                                       static_cast<std::size_t>(count) * kSnapshotEntryBytes) {
    return fail(Errc::kCorrupt, "producer snapshot has a wrong size");
  }
  clear();
  const std::byte* at = bytes.data() + kSnapshotHeaderBytes;
  for (std::int32_t i = 0; i < count; ++i, at += kSnapshotEntryBytes) {
    const auto id = load_be<std::int64_t>(at);
    Entry entry;
    entry.epoch = ProducerEpoch(load_be<std::int16_t>(at + 8));
    Batch last;
    last.last_sequence = load_be<std::int32_t>(at + 10);
    last.last_offset = Offset(load_be<std::int64_t>(at + 14));
    last.offset_delta = load_be<std::int32_t>(at + 22);
    entry.last_timestamp_ms = load_be<std::int64_t>(at + 26);
    last.timestamp_ms = entry.last_timestamp_ms;
    entry.coordinator_epoch = load_be<std::int32_t>(at + 34);
    entry.transaction_first = Offset(load_be<std::int64_t>(at + 38));
    if (last.last_offset.value >= 0) {
      last.first_sequence = static_cast<std::int32_t>(
          (static_cast<std::int64_t>(last.last_sequence) - last.offset_delta) & INT32_MAX);
      entry.batches.push_back(last);
    }
    if (entry.transaction_first != Offset::kNone) open_[entry.transaction_first.value] = id;
    entries_[id] = std::move(entry);
  }
  return {};
}

}  // namespace penstock::log
