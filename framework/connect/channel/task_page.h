#pragma once

#include <atomic>
#include <cstdint>

// One shared page per task, written by the runner around each plugin call. The worker reads it
// while the task hangs and after it died: liveness and poison records need no cooperation.
namespace penstock::connect {

enum class PluginCall : std::uint32_t {
  kNone,
  kStart,
  kPoll,
  kTick,
  kCommitted,
  kOpen,
  kPut,
  kFlush,
  kClose,
  kDestroy,
  kValidate,
  kPlan,
  kHook,
  kConvert,
};

/// Lives in memory that both processes map (memfd, 4096 bytes, file descriptor passed to the runner
/// at spawn). The runner is the only writer. Readers take `version` before and after; odd or
/// changed: read again.
struct TaskPage {
  static constexpr std::uint32_t kMagic = 0x50545047;  // "PTPG"
  static constexpr std::size_t kTopicBytes = 256;
  std::uint32_t magic = kMagic;
  std::uint32_t layout = 1;
  std::atomic<std::uint64_t> version{0};
  std::atomic<std::uint32_t> call{0};  // PluginCall; kNone between calls
  std::atomic<std::int64_t> since_ms{
      0};  // CLOCK_MONOTONIC milliseconds when this call (or this pause between calls) began
  std::atomic<std::int64_t> calls{0};       // completed; liveness
  std::atomic<std::int32_t> partition{-1};  // of the records in a put()
  std::atomic<std::int64_t> first_offset{-1};
  std::atomic<std::int64_t> last_offset{-1};
  char topic[kTopicBytes] = {};
};
static_assert(sizeof(TaskPage) <= 4096);
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

}  // namespace penstock::connect
