#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "framework/base/error.h"
#include "framework/base/ids.h"
#include "framework/log/epoch_cache.h"
#include "framework/log/segment.h"

namespace penstock::log {

/// What a read would have to load and to check of one segment that was not looked at since the log
/// was opened. Made on the owner shard, as many at once as there are readers; run() is for one pool
/// thread and touches nothing of the log; apply_cold() gives the log what was learnt, and is not
/// needed when the log is gone. At most the bytes of the read and the batches of two steps of the
/// offset index are checked; an index that has to be made anew takes the whole segment.
struct ColdTask {
  std::unique_ptr<Segment> twin;
  Offset from{0};
  std::uint64_t bytes_max = 0;
  std::optional<Offset> below;  // the end of the read, if it lies in this segment
  std::optional<Offset> next_segment;
  std::vector<Segment::Span> spans;  // what is to be checked; empty: the index is not loaded
  bool contiguous = true;
  EpochCache epochs;
  std::uint64_t generation = 0;
  std::uint64_t layout = 0;

  /// Errors: kCorrupt, kIo. The read meets them again, and decides what becomes of them: what is
  /// good before the damage counts as checked.
  Status run();
};

}  // namespace penstock::log
