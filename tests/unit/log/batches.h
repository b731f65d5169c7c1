#pragma once

#include <string>
#include <vector>

#include "framework/log/log.h"
#include "framework/record/batch.h"

namespace penstock::log::testing {

/// A batch of `count` records "<prefix><i>" with timestamps `timestamp_ms`, +1, ...
inline std::vector<std::byte> make_batch(int count, std::int64_t timestamp_ms = 1000,
                                         const std::string& prefix = "value-",
                                         record::BatchBuilder::Options options = {}) {
  record::BatchBuilder builder(options);
  for (int i = 0; i < count; ++i) {
    const std::string value = prefix + std::to_string(i);
    builder.add(timestamp_ms + i, "key", value);
  }
  return builder.finish();
}

inline std::vector<std::byte> read_bytes(const FileRange& range) {
  std::vector<std::byte> bytes(range.length);
  const auto got = range.file->read_at(range.position, bytes);
  bytes.resize(got ? *got : 0);
  return bytes;
}

/// One piece of scrubbing, all on this thread: the bytes that were read, 0 at the end of a round.
inline Result<std::uint64_t> scrub(Log& log, std::uint64_t bytes_max) {
  PENSTOCK_ASSIGN_OR_RETURN(auto task, log.begin_scrub(bytes_max));
  if (!task) return 0;
  PENSTOCK_RETURN_IF_ERROR(task->run());
  log.apply_scrub(*task);
  if (task->damage) return tl::make_unexpected(*task->damage);
  return task->position - task->begin;
}

}  // namespace penstock::log::testing
