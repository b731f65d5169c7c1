#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "framework/base/error.h"
#include "framework/base/ids.h"

namespace penstock::log {

/// Which leader epoch began at which offset: the content of leader-epoch-checkpoint. Epochs and
/// offsets both rise.
class EpochCache {
 public:
  struct Entry {
    LeaderEpoch epoch;
    Offset start;
    bool operator==(const Entry&) const = default;
  };

  /// True when `epoch` is new and was added. Negative epochs are not kept.
  bool assign(LeaderEpoch epoch, Offset start);
  [[nodiscard]] LeaderEpoch latest() const {
    return entries_.empty() ? LeaderEpoch(-1) : entries_.back().epoch;
  }
  /// The epoch that a batch at `offset` must carry; nullopt below the first entry.
  [[nodiscard]] std::optional<LeaderEpoch> at(Offset offset) const;
  /// OffsetForLeaderEpoch: the largest epoch <= `epoch` and its end. {-1, kNone} when unknown.
  [[nodiscard]] std::pair<LeaderEpoch, Offset> end_of(LeaderEpoch epoch, Offset log_end) const;
  /// True when something changed.
  bool truncate_end(Offset to);
  bool truncate_start(Offset to);
  void clear() { entries_.clear(); }
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

  [[nodiscard]] std::string encode() const;
  Status decode(std::string_view text);

 private:
  std::vector<Entry> entries_;
};

}  // namespace penstock::log
