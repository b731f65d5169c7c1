#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "framework/base/error.h"
#include "framework/base/ids.h"
#include "framework/log/epoch_cache.h"
#include "framework/log/segment.h"

namespace penstock::log {

struct TimestampOffset {
  std::int64_t timestamp_ms = -1;
  Offset offset = Offset::kNone;
  LeaderEpoch epoch{-1};
};

/// What a search looks for among the records below `below`, and how far it has come.
struct TimeQuery {
  std::optional<std::int64_t> timestamp_ms;  // the first record not older; nullopt: the newest one
  Offset below{0};
  Offset from = Offset::kNone;  // a segment begins there, all before it was looked at
  std::optional<TimestampOffset> found;
  int restarts = 0;  // because the log changed under it
};

/// A search by time through some segments of a log. Made on the owner shard, as many at once as
/// there are requests; run() is for one pool thread and touches nothing of the log; apply_search()
/// gives the log what was learnt, and is not needed when the log is gone. At most kPiecesMax
/// segments, of each of which the index and the batches of a step of it are read, or everything
/// where no index leads on.
struct SearchTask {
  static constexpr std::size_t kPiecesMax = 8;
  static constexpr int kRestartsMax = 8;
  struct Piece {
    Offset base{0};
    Offset next{0};                      // behind its last record
    std::optional<Offset> next_segment;  // nullopt: the active one
    std::unique_ptr<Segment> twin;
  };
  SearchTask() = default;
  SearchTask(SearchTask&&) = default;
  SearchTask& operator=(SearchTask&&) = default;

  std::vector<Piece> pieces;
  TimeQuery query;
  bool more = false;  // segments behind the pieces
  Offset start{0};    // of the log
  bool contiguous = true;
  EpochCache epochs;
  std::uint64_t generation = 0;
  std::uint64_t layout = 0;

  Offset looked_at = Offset::kNone;  // after run(): the base of the last segment that was

  /// Puts what it finds into `query`. Errors: kCorrupt, kIo; also when the log changed meanwhile.
  Status run();

 private:
  [[nodiscard]] Segment::Judge judge_of(const Piece& piece) const;
  Result<std::optional<TimestampOffset>> first_of(Piece& piece);
  Result<std::optional<TimestampOffset>> newest_of(Piece& piece);
};

}  // namespace penstock::log
