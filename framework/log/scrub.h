#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "framework/base/error.h"
#include "framework/base/ids.h"
#include "framework/log/epoch_cache.h"
#include "framework/log/file_system.h"

namespace penstock::log {

/// The active segment is re-read no more often: each round reads everything of it.
inline constexpr std::int64_t kActiveScrubMs = 60'000;

/// A piece of a segment to read again, as Log::begin_scrub() gives it; run() touches nothing
/// of the log, so it may run on a pool thread. Unlike a read, it looks at bytes that were checked
/// before: what a disk gave rightly once may rot.
struct ScrubTask {
  std::shared_ptr<const File> file;
  Offset base{0};          // of the segment
  Offset next_segment{0};  // where the next one begins, or the log ended when it was made
  std::uint64_t size = 0;  // of the segment when it was made
  bool active = false;
  std::uint64_t begin = 0;     // a batch begins here
  std::uint64_t end = 0;       // no batch that begins at or behind it is looked at
  std::uint64_t position = 0;  // after run(): how far all is well
  bool contiguous = true;
  EpochCache epochs;
  std::uint64_t generation = 0;
  std::optional<Error> damage;  // after run(): what is wrong at `position`

  /// Errors: kIo. Damage is no error of the task.
  Status run();
};

}  // namespace penstock::log
