#include "tests/fuzz/log_targets.h"

#include <algorithm>
#include <string>
#include <vector>

#include "framework/base/crc32c.h"
#include "framework/log/damage_note.h"
#include "framework/log/directory_files.h"
#include "framework/log/epoch_cache.h"
#include "framework/log/log.h"
#include "framework/log/producer_state.h"
#include "framework/log/segment_index.h"
#include "framework/log/txn_index.h"
#include "framework/record/batch.h"
#include "framework/record/recode.h"
#include "framework/record/survey.h"
#include "tests/fuzz/broken_rule.h"
#include "tests/unit/log/batches.h"
#include "tests/unit/log/manual_clock.h"
#include "tests/unit/log/sim_file_system.h"

namespace penstock::fuzz {
namespace {

using Bytes = std::vector<std::byte>;
using log::testing::ManualClock;
using log::testing::SimFileSystem;

constexpr std::size_t kOutputMax = 1U << 20;
constexpr std::size_t kSnapshotCrcAt = 2;
constexpr std::size_t kSnapshotBodyAt = 6;
constexpr std::size_t kBatchCrcAt = 17;
constexpr std::size_t kBatchBodyAt = 21;
constexpr std::size_t kBesideUnitBytes = 8;

/// Puts a file where the loaders look for it.
void put_file(SimFileSystem& disk, const std::string& path, ByteView bytes) {
  auto inode = std::make_shared<SimFileSystem::Inode>();
  inode->now.assign(bytes.begin(), bytes.end());
  inode->durable = inode->now;
  disk.files[path] = std::move(inode);
}

/// How many records a consumer gets; -1 when it gets an error at some point.
std::int64_t count_records(const record::BatchView& view) {
  auto reader = record::RecordReader::open(view, kOutputMax);
  if (!reader) return -1;
  record::RecordView record;
  std::int64_t count = 0;
  while (true) {
    const auto more = reader->next(record);
    if (!more) return -1;
    if (!*more) return count;
    ++count;
  }
}

void snapshot(ByteView bytes) {
  log::ProducerState producers;
  if (!producers.decode(bytes)) return;
  static_cast<void>(producers.first_unstable());
  const Bytes again = producers.encode();
  log::ProducerState copy;
  if (!copy.decode(again)) broken_rule("a producer snapshot that was written cannot be read");
  if (copy.entries().size() != producers.entries().size())
    broken_rule("a producer snapshot lost producers");
  for (const auto& [id, entry] : producers.entries()) {
    record::BatchHeader header;
    header.producer_id = ProducerId(id);
    header.producer_epoch = entry.epoch;
    header.base_sequence = entry.batches.empty() ? 0 : entry.batches.back().first_sequence;
    header.last_offset_delta = 1;
    static_cast<void>(producers.check(header));
    static_cast<void>(copy.appended(header, std::nullopt, 0));
  }
  producers.expire(1, 1);
  producers.expire(2, 1);
}

/// The snapshot with the checksum it should have.
Bytes corrected_snapshot(ByteView bytes) {
  Bytes out(bytes.begin(), bytes.end());
  if (bytes.size() > kSnapshotBodyAt)
    store_be(out.data() + kSnapshotCrcAt, crc32c(bytes.subspan(kSnapshotBodyAt)));
  return out;
}

/// Gives every batch in `bytes` whose length can be followed the checksum it should have.
void correct_checksums(ByteSpan bytes) {
  while (bytes.size() >= record::kBatchHeaderBytes) {
    const auto length = load_be<std::int32_t>(bytes.data() + 8);
    if (length < 0) return;
    const std::size_t size = static_cast<std::size_t>(length) + record::kBatchOverheadBytes;
    if (size < record::kBatchHeaderBytes || size > bytes.size()) return;
    store_be(bytes.data() + kBatchCrcAt,
             crc32c(ByteView(bytes).subspan(kBatchBodyAt, size - kBatchBodyAt)));
    bytes = bytes.subspan(size);
  }
}

/// A file that belongs to the segment, or to the whole log.
void put_beside(SimFileSystem& disk, const std::string& directory, unsigned kind, ByteView bytes) {
  const std::string first = directory + "/00000000000000000000";
  if (kind == 0) {
    put_file(disk, first + ".index", bytes);
  } else if (kind == 1) {
    put_file(disk, first + ".timeindex", bytes);
    put_file(disk, first + ".txnindex", bytes);
  } else if (kind == 2) {
    put_file(disk, directory + "/leader-epoch-checkpoint", bytes);
  } else {
    put_file(disk, directory + "/00000000000000000002.snapshot", corrected_snapshot(bytes));
  }
}

void flush(log::Log& log, log::FileSystem& disk) {
  const auto task = log.begin_flush();
  if (task && task->run(disk)) log.apply_flush(*task);
}

void read_all(log::Log& log) {
  for (Offset at = log.start(); at < log.end();) {
    const auto got = log.read(at, 4096, log.end(), true);
    if (!got || got->ranges.empty()) return;
    if (got->end <= at) broken_rule("a read of the log does not go on");
    at = got->end;
  }
}

void use_log(log::Log& log, log::FileSystem& disk) {
  const Offset all(INT64_MAX);
  read_all(log);
  static_cast<void>(log.find_timestamp(1000, all));
  static_cast<void>(log.find_max_timestamp(all));
  static_cast<void>(log.aborted(log.start(), log.end()));
  static_cast<void>(log.epoch_end(log.latest_epoch()));
  Bytes good = log::testing::make_batch(2);
  const Offset end = log.end();
  if (const auto info = log.append(good, log.latest_epoch()); info && info->base_offset != end)
    broken_rule("an append is not at the end of the log");
  static_cast<void>(log.roll());
  flush(log, disk);  // only what is durable is compacted
  log::CompactionLimits limits;
  limits.map_bytes_max = 1 << 16;
  if (auto task = log.begin_compaction(log.end(), limits); task && *task) {
    const Status ran = (*task)->run(disk);
    static_cast<void>(log.apply_compaction(**task, ran));
  }
  flush(log, disk);
  read_all(log);
  static_cast<void>(log.apply_retention(log.end()));
  static_cast<void>(log.truncate(log.start() + (log.end().value - log.start().value) / 2));
  static_cast<void>(log.close());
}

}  // namespace

void batch(ByteView bytes) {
  const auto view = record::BatchView::parse(bytes);
  if (!view) return;
  static_cast<void>(view->crc_matches());
  const std::int64_t count = count_records(*view);
  static_cast<void>(record::read_marker(*view));
  if (view->header().last_offset_delta != view->header().record_count - 1 ||
      !record::survey_records(*view, kOutputMax))
    return;
  // What the broker takes from a producer, a consumer must be able to read.
  if (count != view->header().record_count) broken_rule("a batch that passes cannot be read");
  const auto codec = static_cast<record::Codec>(view->header().crc % 5);
  const auto recoded = record::with_codec(*view, codec, kOutputMax);
  if (!recoded) return;
  const auto again = record::BatchView::parse(*recoded);
  if (!again || !again->crc_matches() || count_records(*again) != count)
    broken_rule("a batch that was rewritten cannot be read");
}

void decompress(ByteView bytes) {
  if (bytes.empty()) return;
  const auto codec = static_cast<record::Codec>(static_cast<unsigned>(bytes[0]) % 5);
  const auto plain = record::decompress(codec, bytes.subspan(1), kOutputMax);
  if (plain && plain->size() > kOutputMax) broken_rule("more was decompressed than was allowed");
}

void index(ByteView bytes) {
  if (const auto offsets = log::decode_offset_index(bytes, 1U << 30)) {
    Bytes again;
    for (const log::OffsetEntry& entry : *offsets) encode_entry(entry, again);
    const auto copy = log::decode_offset_index(again, 1U << 30);
    if (!copy || *copy != *offsets)
      broken_rule("an offset index that was written reads differently");
  }
  if (const auto times = log::decode_time_index(bytes)) {
    Bytes again;
    for (const log::TimeEntry& entry : *times) encode_entry(entry, again);
    const auto copy = log::decode_time_index(again);
    if (!copy || *copy != *times) broken_rule("a time index that was written reads differently");
  }
  snapshot(bytes);
  snapshot(corrected_snapshot(bytes));
  log::EpochCache epochs;
  if (epochs.decode(as_text(bytes))) {
    log::EpochCache again;
    if (!again.decode(epochs.encode()) || again.entries() != epochs.entries())
      broken_rule("leader epochs that were written read differently");
    static_cast<void>(epochs.at(Offset(1)));
    static_cast<void>(epochs.end_of(LeaderEpoch(1), Offset(2)));
    epochs.assign(LeaderEpoch(2), Offset(2));
    epochs.truncate_start(Offset(1));
    epochs.truncate_end(Offset(1));
  }
}

void checkpoint(ByteView bytes) {
  SimFileSystem disk;
  const std::string path = std::string("/data/") + log::kDamageNote;
  put_file(disk, path, bytes);
  if (const auto offsets = log::read_offsets(disk, path)) {
    put_file(disk, "/data/again", as_bytes(log::format_offsets(*offsets)));
    const auto copy = log::read_offsets(disk, "/data/again");
    if (!copy || *copy != *offsets) broken_rule("a checkpoint that was written reads differently");
  }
  static_cast<void>(log::read_meta_properties(disk, path));
  static_cast<void>(log::read_partition_metadata(disk, path));
  static_cast<void>(log::read_boot_record(disk, path));
  static_cast<void>(log::read_damage_note(disk, "/data"));
  static_cast<void>(log::read_txn_index(disk, path));
  std::vector<log::ProducerState::Aborted> found;
  static_cast<void>(log::find_in_txn_index(disk, path, Offset(1), Offset(1'000'000), found));
}

void segment(ByteView bytes) {
  if (bytes.size() < 2) return;
  const auto flags = std::to_integer<unsigned>(bytes[0]);
  const auto beside = std::to_integer<unsigned>(bytes[1]);
  const std::size_t beside_bytes =
      std::min<std::size_t>((beside & 63U) * kBesideUnitBytes, bytes.size() - 2);
  Bytes records(bytes.begin() + 2 + static_cast<std::ptrdiff_t>(beside_bytes), bytes.end());
  correct_checksums(records);
  SimFileSystem disk;
  const std::string directory = "/data/events-0";
  put_file(disk, directory + "/00000000000000000000.log", records);
  if (beside_bytes > 0) put_beside(disk, directory, beside >> 6, bytes.subspan(2, beside_bytes));
  log::LogConfig config;
  config.segment_bytes = 1 << 20;
  config.segment_index_bytes = 4096;
  if ((flags & 4) != 0) config.cleanup_policy = log::CleanupPolicy::kCompact;
  log::RecoveryHint hint;
  hint.same_boot = (flags & 1) != 0;
  if ((flags & 2) != 0) {
    hint.clean_end = Offset(flags >> 4);
    hint.clean_bytes = records.size();
  }
  if ((flags & 8) != 0) hint.cleaned_to = Offset(0);
  const ManualClock clock;
  log::RecoveryReport report;
  const auto opened = log::Log::open(disk, clock, directory, config, hint, report);
  if (opened) use_log(**opened, disk);
}

}  // namespace penstock::fuzz
