#include "framework/log/epoch_cache.h"

#include <algorithm>

#include "framework/log/checkpoint_file.h"

namespace penstock::log {

bool EpochCache::assign(LeaderEpoch epoch, Offset start) {
  if (epoch.value < 0 || epoch <= latest()) return false;
  // An epoch in which nothing was written gives way to the one that begins at the same offset.
  while (!entries_.empty() && entries_.back().start >= start) entries_.pop_back();
  entries_.push_back({epoch, start});
  return true;
}

std::optional<LeaderEpoch> EpochCache::at(Offset offset) const {
  const auto behind =
      std::upper_bound(entries_.begin(), entries_.end(), offset,
                       [](Offset value, const Entry& entry) { return value < entry.start; });
  if (behind == entries_.begin()) return std::nullopt;
  return std::prev(behind)->epoch;
}

std::pair<LeaderEpoch, Offset> EpochCache::end_of(LeaderEpoch epoch, Offset log_end) const {
  if (epoch.value == -1 || entries_.empty() || epoch > latest())
    return {LeaderEpoch(-1), Offset::kNone};
  if (epoch == latest()) return {epoch, log_end};
  const auto behind =
      std::upper_bound(entries_.begin(), entries_.end(), epoch,
                       [](LeaderEpoch value, const Entry& entry) { return value < entry.epoch; });
  if (behind == entries_.begin()) return {epoch, behind->start};
  return {std::prev(behind)->epoch, behind->start};
}

bool EpochCache::truncate_end(Offset to) {
  const std::size_t before = entries_.size();
  while (!entries_.empty() && entries_.back().start >= to) entries_.pop_back();
  return entries_.size() != before;
}

bool EpochCache::truncate_start(Offset to) {
  std::size_t covered = 0;
  while (covered < entries_.size() && entries_[covered].start <= to) ++covered;
  if (covered == 0 || (covered == 1 && entries_[0].start == to)) return false;
  entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(covered - 1));
  entries_[0].start = to;
  return true;
}

std::string EpochCache::encode() const {
  std::vector<std::string> lines;
  for (const Entry& entry : entries_) {
    lines.push_back(std::to_string(entry.epoch.value) + " " + std::to_string(entry.start.value));
  }
  return format_checkpoint(lines);
}

Status EpochCache::decode(std::string_view text) {
  auto lines = parse_checkpoint(text, 2);
  if (!lines) return tl::make_unexpected(std::move(lines).error());
  entries_.clear();
  for (const auto& line : *lines) {
    std::int64_t epoch = 0;
    std::int64_t start = 0;
    if (!parse_number(line[0], epoch) || !parse_number(line[1], start) || epoch < 0 ||
        epoch > INT32_MAX || start < 0 ||
        (!entries_.empty() && (epoch <= latest().value || start <= entries_.back().start.value))) {
      return fail(Errc::kCorrupt, "leader epochs are out of order");
    }
    entries_.push_back({LeaderEpoch(static_cast<std::int32_t>(epoch)), Offset(start)});
  }
  return {};
}

}  // namespace penstock::log
