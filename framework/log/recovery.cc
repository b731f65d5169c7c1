#include "framework/log/recovery.h"

#include <algorithm>
#include <charconv>

#include "framework/log/checkpoint_file.h"

namespace penstock::log {
namespace {

constexpr std::size_t kCopyBytes = 1U << 20;

/// From where on a segment is looked at.
struct Start {
  std::size_t segment = 0;
  std::uint64_t position = 0;
  Offset expected{0};
};

Segment::Judge judge(const std::vector<std::unique_ptr<Segment>>& segments, std::size_t index,
                     const EpochCache* epochs, bool contiguous) {
  Segment::Judge result;
  result.epochs = epochs;
  result.contiguous = contiguous;
  if (index + 1 < segments.size()) result.next_segment = segments[index + 1]->base();
  return result;
}

// The first byte that has to be looked at.
Result<Start> scan_start(std::vector<std::unique_ptr<Segment>>& segments, const EpochCache* epochs,
                         bool contiguous, bool power_cut, Offset trusted) {
  Start start;
  start.segment = segments.size() - 1;
  if (power_cut) {
    while (start.segment > 0 && segments[start.segment]->base() > trusted) --start.segment;
  }
  Segment& segment = *segments[start.segment];
  start.expected = segment.base();
  PENSTOCK_ASSIGN_OR_RETURN(const bool loaded,
                            segment.try_load(judge(segments, start.segment, epochs, contiguous)));
  if (!loaded) return start;
  const Offset until = power_cut ? trusted : Offset(INT64_MAX);
  PENSTOCK_ASSIGN_OR_RETURN(const auto entry, segment.entry_at_or_before(until));
  start.position = entry.first;
  start.expected = entry.second;
  return start;
}

/// Which segment holds `offset`; the first when it lies below all.
std::size_t holder_of(const std::vector<std::unique_ptr<Segment>>& segments, Offset offset) {
  std::size_t index = 0;
  while (index + 1 < segments.size() && segments[index + 1]->base() <= offset) ++index;
  return index;
}

Error corruption(const std::string& directory, const std::string& what, Offset good_end,
                 Offset trusted, const char* why) {
  const std::string offset = std::to_string(good_end.value);
  return Error{Errc::kCorrupt,
               what + "; " + why + " (everything below offset " + std::to_string(trusted.value) +
                   " was durable). Nothing was changed. Restore the files from a copy, or give up "
                   "every record from offset " +
                   offset + " on: echo " + offset + " > " + directory + "/" + kAcceptLossFile +
                   ", then restart; the bytes are kept in .torn files"};
}

Status copy_tail(FileSystem& system, const File& from, std::uint64_t begin, std::uint64_t end,
                 const std::string& to) {
  PENSTOCK_ASSIGN_OR_RETURN(const auto out, system.open(to, OpenMode::kCreate));
  PENSTOCK_RETURN_IF_ERROR(out->truncate(0));
  std::vector<std::byte> buffer(
      static_cast<std::size_t>(std::min<std::uint64_t>(kCopyBytes, end - begin)));
  for (std::uint64_t at = begin; at < end;) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), end - at));
    PENSTOCK_ASSIGN_OR_RETURN(const std::size_t got,
                              from.read_at(at, ByteSpan(buffer).first(want)));
    if (got == 0) break;
    PENSTOCK_RETURN_IF_ERROR(out->write_at(at - begin, ByteView(buffer).first(got)));
    at += got;
  }
  return out->sync();
}

std::string free_name(FileSystem& system, const std::string& wanted) {
  std::string name = wanted;
  for (int n = 1; system.exists(name); ++n) name = wanted + "." + std::to_string(n);
  return name;
}

}  // namespace

std::optional<Offset> accepted_loss(FileSystem& system, const std::string& directory) {
  const auto text = read_file(system, directory + "/" + kAcceptLossFile, 64);
  if (!text) return std::nullopt;
  std::string_view digits = *text;
  while (!digits.empty() && (digits.back() == '\n' || digits.back() == ' '))
    digits.remove_suffix(1);
  std::int64_t offset = 0;
  if (!parse_number(digits, offset)) return std::nullopt;
  return Offset(offset);
}

Result<TailPlan> plan_recovery(FileSystem& system, const std::string& directory,
                               std::vector<std::unique_ptr<Segment>>& segments,
                               const EpochCache* epochs, bool contiguous, const RecoveryHint& hint,
                               std::optional<Offset> damaged) {
  const bool power_cut = !hint.same_boot && !hint.clean_end;
  const Offset trusted = std::max(hint.recovery_point, hint.clean_end.value_or(Offset(0)));
  const std::optional<Offset> accepted = accepted_loss(system, directory);
  PENSTOCK_ASSIGN_OR_RETURN(const Start start,
                            scan_start(segments, epochs, contiguous, power_cut, trusted));
  std::vector<Start> scans;
  for (const auto& suspect : {damaged, accepted}) {
    const auto index = suspect ? holder_of(segments, *suspect) : segments.size();
    const bool whole = start.segment == index && start.position == 0;
    if (index <= start.segment && !whole) scans.push_back({index, 0, segments[index]->base()});
  }
  scans.push_back(start);
  for (std::size_t i = start.segment + 1; i < segments.size(); ++i)
    scans.push_back({i, 0, segments[i]->base()});

  TailPlan plan;
  const auto stop_here = [&](std::size_t index, const ScanResult& scan, TailPlan::Action action) {
    plan.action = action;
    plan.segment = index;
    plan.position = scan.position;
    plan.end = scan.next;
  };
  for (const Start& from : scans) {
    const std::size_t index = from.segment;
    Segment& segment = *segments[index];
    const bool last = index + 1 == segments.size();
    PENSTOCK_ASSIGN_OR_RETURN(const auto file, segment.file());
    ScanRange range;
    range.begin = from.position;
    range.expected = from.expected;
    range.end = range.file_size = segment.size();
    range.contiguous = contiguous;
    range.epochs = epochs;
    PENSTOCK_ASSIGN_OR_RETURN(ScanResult scan, scan_batches(*file, range));
    if (!scan.damage && !last) {
      const Offset next = segments[index + 1]->base();
      if (contiguous ? scan.next != next : scan.next > next) {
        scan.damage = Error{Errc::kCorrupt,
                            file->path() + " ends at offset " + std::to_string(scan.next.value) +
                                ", but the next segment begins at " + std::to_string(next.value)};
      }
    }
    if (scan.damage) {
      if (accepted == scan.next) {
        stop_here(index, scan, TailPlan::Action::kTear);
        plan.loss_accepted = true;
        return plan;
      }
      if (scan.next < trusted) {
        return tl::make_unexpected(corruption(directory, scan.damage->text, scan.next, trusted,
                                              "this is damage, not a torn write"));
      }
      if (power_cut) {
        stop_here(index, scan, TailPlan::Action::kTear);
        return plan;
      }
      if (hint.clean_end || !scan.incomplete || !last) {
        return tl::make_unexpected(corruption(
            directory, scan.damage->text, scan.next, trusted,
            hint.clean_end ? "the log was closed cleanly"
                           : "the computer did not restart, so no write can be torn here"));
      }
      stop_here(index, scan, TailPlan::Action::kCut);
      return plan;
    }
    segment.note_checked(range.begin, scan.position, scan.next);
    stop_here(index, scan, TailPlan::Action::kKeep);
  }
  if (plan.end < trusted && accepted != plan.end) {
    return tl::make_unexpected(corruption(
        directory,
        segments.back()->stem() + ".log ends at offset " + std::to_string(plan.end.value), plan.end,
        trusted, "the bytes behind it are missing"));
  }
  plan.loss_accepted = plan.end < trusted;
  return plan;
}

Status apply_plan(FileSystem& system, const std::string& directory,
                  std::vector<std::unique_ptr<Segment>>& segments, const TailPlan& plan,
                  RecoveryReport& report) {
  report.loss_accepted = report.loss_accepted || plan.loss_accepted;
  if (plan.action == TailPlan::Action::kKeep) return {};
  Segment& kept = *segments[plan.segment];
  PENSTOCK_ASSIGN_OR_RETURN(const auto file, kept.file());
  const std::uint64_t bad = kept.size() - plan.position;
  if (plan.action == TailPlan::Action::kCut) {
    report.bytes_cut += bad;
    report.notes.push_back(file->path() + ": cut " + std::to_string(bad) +
                           " bytes of an incomplete final write; the log ends at offset " +
                           std::to_string(plan.end.value));
  } else if (bad > 0) {
    PENSTOCK_ASSIGN_OR_RETURN(const std::int64_t batches,
                              count_whole_batches(*file, plan.position, kept.size()));
    const std::string to = free_name(system, file->path() + ".torn");
    PENSTOCK_RETURN_IF_ERROR(copy_tail(system, *file, plan.position, kept.size(), to));
    PENSTOCK_RETURN_IF_ERROR(system.sync_directory(directory));
    report.bytes_torn += bad;
    report.batches_torn += batches;
    report.notes.push_back(file->path() + ": moved " + std::to_string(bad) + " bytes (" +
                           std::to_string(batches) + " whole batches) from offset " +
                           std::to_string(plan.end.value) + " on to " + to);
  }
  // From the back, so that a crash in between leaves a log that the same rules lead on from.
  while (segments.size() > plan.segment + 1) {
    Segment& gone = *segments.back();
    PENSTOCK_ASSIGN_OR_RETURN(const auto gone_file, gone.file());
    PENSTOCK_ASSIGN_OR_RETURN(const std::int64_t batches,
                              count_whole_batches(*gone_file, 0, gone.size()));
    const std::string to = free_name(system, gone_file->path() + ".torn");
    PENSTOCK_RETURN_IF_ERROR(system.rename(gone_file->path(), to));
    for (const char* suffix : {".index", ".timeindex", ".txnindex"}) {
      if (system.exists(gone.stem() + suffix))
        PENSTOCK_RETURN_IF_ERROR(system.remove(gone.stem() + suffix));
    }
    report.bytes_torn += gone.size();
    report.batches_torn += batches;
    report.notes.push_back(gone_file->path() + ": moved whole (" + std::to_string(batches) +
                           " batches) to " + to);
    segments.pop_back();
  }
  PENSTOCK_RETURN_IF_ERROR(kept.shrink_file(plan.position));
  // Whether a cut is durable does not matter: what lies beyond the recovery point is judged again
  // after a power cut, and the sync of an append covers the cut below it. To sync it would make a
  // start wait for a busy disk.
  if (plan.action == TailPlan::Action::kCut) return {};
  PENSTOCK_RETURN_IF_ERROR(file->sync());
  return system.sync_directory(directory);
}

}  // namespace penstock::log
