#pragma once

#include <memory>
#include <vector>

#include "framework/log/log.h"
#include "framework/log/segment.h"

namespace penstock::log {

/// What is to be done to the end of a log, found out without changing anything.
struct TailPlan {
  enum class Action { kKeep, kCut, kTear };
  Action action = Action::kKeep;
  std::size_t segment = 0;     // the last one that stays
  std::uint64_t position = 0;  // its size afterwards
  Offset end{0};               // the log end afterwards
  bool loss_accepted = false;
};

inline constexpr const char* kAcceptLossFile = "accept-data-loss";

/// The offset in the operator's file, if there is one.
std::optional<Offset> accepted_loss(FileSystem& system, const std::string& directory);

/// Scans what the hint does not vouch for and judges what it finds (design: see log_directory.h);
/// before that the segments that hold `damaged` (see damage_note.h) and the offset that the
/// operator gave up. `epochs` may be nullptr. Errors: kCorrupt with the operator's way out; kIo.
Result<TailPlan> plan_recovery(FileSystem& system, const std::string& directory,
                               std::vector<std::unique_ptr<Segment>>& segments,
                               const EpochCache* epochs, bool contiguous, const RecoveryHint& hint,
                               std::optional<Offset> damaged);

/// Cuts or moves to `.torn` what the plan says, durably, and drops the segments behind it.
Status apply_plan(FileSystem& system, const std::string& directory,
                  std::vector<std::unique_ptr<Segment>>& segments, const TailPlan& plan,
                  RecoveryReport& report);

}  // namespace penstock::log
