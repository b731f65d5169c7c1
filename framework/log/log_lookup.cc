#include <algorithm>

#include "framework/log/log_impl.h"

namespace penstock::log {
namespace {

tl::unexpected<Error> missing(const Segment& segment, Offset from, Offset to) {
  return fail(Errc::kCorrupt,
              segment.stem() + ".log holds nothing from offset " + std::to_string(from.value) +
                  " on, but the next segment begins at " + std::to_string(to.value));
}

}  // namespace

// Where in the segment the first batch begins that lies at or beyond `below`.
Result<std::uint64_t> LogImpl::end_position(std::size_t index, Offset below) {
  Segment& segment = *segments_[index];
  if (below >= next_base(index)) return segment.size();
  PENSTOCK_ASSIGN_OR_RETURN(const auto found, segment.find(below, judge_of(index)));
  if (!found) return segment.size();
  return found->header.base_offset >= below ? found->at : found->at + found->header.size_bytes();
}

Result<ReadResult> LogImpl::read(Offset from, std::uint64_t bytes_max, Offset below,
                                 bool at_least_one) {
  std::size_t index = 0;
  auto result = read_from(from, bytes_max, below, at_least_one, index);
  if (!result) note_damage(index, result.error());
  return result;
}

/// `index` is the segment that was looked at last.
Result<ReadResult> LogImpl::read_from(Offset from, std::uint64_t bytes_max, Offset below,
                                      bool at_least_one, std::size_t& index) {
  if (from < start_ || from > end_) {
    return fail(Errc::kOutOfRange, directory_ + ": offset " + std::to_string(from.value) +
                                       " is outside of " + std::to_string(start_.value) + ".." +
                                       std::to_string(end_.value));
  }
  ReadResult result;
  below = std::min(below, end_);
  for (index = segment_of(from); index < segments_.size() && from < below; ++index) {
    Segment& segment = *segments_[index];
    const Segment::Judge judge = judge_of(index);
    // What nobody has looked at yet is for the next read, which has begin_cold() before it.
    const std::uint64_t left = bytes_max - std::min(bytes_max, result.size_bytes);
    if (!result.ranges.empty() &&
        (!segment.is_loaded() || !cold_spans(index, from, left, below).empty())) {
      result.more = true;
      return result;
    }
    auto found = segment.find(from, judge);
    if (!found && !result.ranges.empty() && found.error().code == Errc::kCorrupt) return result;
    if (!found) return tl::make_unexpected(std::move(found).error());
    keep_few_files_open(index);
    const Offset next = next_base(index);
    if (!*found) {
      if (contiguous() && from < next) return missing(segment, from, next);
      from = std::max(from, next);
      continue;
    }
    const Segment::Position first = **found;
    if (first.header.base_offset >= below) break;
    PENSTOCK_ASSIGN_OR_RETURN(std::uint64_t until, end_position(index, below));
    const std::uint64_t room = bytes_max - std::min(bytes_max, result.size_bytes);
    const std::uint64_t whole = until;
    if (until - first.at > room) {
      PENSTOCK_ASSIGN_OR_RETURN(until,
                                segment.boundary_at_or_below(first.at, first.at + room, judge));
      if (until == first.at && at_least_one && result.ranges.empty())
        until = first.at + first.header.size_bytes();
    }
    if (until == first.at) break;
    if (const auto checked =
            segment.ensure_checked(first.at, until, first.header.base_offset, judge);
        !checked) {
      // What is good before the damage is served; the next read meets it.
      until = std::min(until, segment.checked_until(first.at));
      if (checked.error().code != Errc::kCorrupt || until <= first.at)
        return tl::make_unexpected(checked.error());
    }
    if (result.ranges.empty()) result.first_batch_offset = first.header.base_offset;
    PENSTOCK_ASSIGN_OR_RETURN(std::shared_ptr<const File> file, segment.file());
    result.ranges.push_back({std::move(file), first.at, until - first.at});
    result.size_bytes += until - first.at;
    result.end = std::min(next, below);
    if (until < whole) {
      PENSTOCK_ASSIGN_OR_RETURN(const Offset behind, segment.offset_behind(until, judge));
      result.end = std::min(result.end, behind);
      break;
    }
    from = next;
  }
  return result;
}

Result<std::vector<ProducerState::Aborted>> LogImpl::aborted(Offset from, Offset to) {
  std::vector<ProducerState::Aborted> result;
  for (std::size_t index = segment_of(from); index < segments_.size(); ++index) {
    if (!segments_[index]->has_txn_index()) continue;
    PENSTOCK_ASSIGN_OR_RETURN(
        const bool all,
        find_in_txn_index(system_, segments_[index]->path(".txnindex"), from, to, result));
    if (all) break;
  }
  for (const auto& [base, one] : unstored_aborted_) {
    if (one.last >= from && one.first < to) result.push_back(one);
  }
  return result;
}

}  // namespace penstock::log
