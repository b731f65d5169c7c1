#pragma once

#include <functional>
#include <optional>
#include <string>

#include "framework/log/epoch_cache.h"
#include "framework/log/file_system.h"
#include "framework/record/batch.h"

namespace penstock::log {

struct ScanRange {
  std::uint64_t begin = 0;  // a batch begins here
  std::uint64_t end = 0;    // the scan stops at the first batch that begins at or behind it
  std::uint64_t file_size = 0;
  std::optional<Offset> expected;      // base offset of the first batch; nullopt: not known
  bool contiguous = true;              // false on compacted logs: offsets may only rise
  const EpochCache* epochs = nullptr;  // nullptr: not checked
};

struct ScanResult {
  std::uint64_t position = 0;   // behind the last good batch
  Offset next = Offset::kNone;  // behind its last offset; `expected` when there was none
  std::int64_t batches = 0;
  std::optional<Error> damage;  // what is wrong at `position`, with file and byte in the text
  bool incomplete =
      false;  // the damage can be a final write that was cut short: nothing sound follows it
};

using BatchSink = std::function<void(const record::BatchView&, std::uint64_t position)>;

/// Checks every batch of the range: length and magic, CRC, and the bytes outside the CRC: base
/// offset by continuity, leader epoch against the epoch cache. Stops at the first damage. Errors:
/// only kIo.
Result<ScanResult> scan_batches(const File& file, const ScanRange& range,
                                const BatchSink& sink = {});

/// How many whole, sound batches lie in [begin, file_size), found by trying each byte; for the
/// report about torn bytes.
Result<std::int64_t> count_whole_batches(const File& file, std::uint64_t begin,
                                         std::uint64_t file_size);

}  // namespace penstock::log
