#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "framework/base/error.h"
#include "framework/base/unique_fd.h"
#include "framework/connect/channel/task_page.h"

namespace penstock::connect {

/// The task pages of one runner, mapped. Page 0 belongs to the connector instance (validate, plan,
/// hook), page n + 1 to task n. Untouched pages take no memory.
class TaskPages {
 public:
  static constexpr int kTasksMax = 1023;
  static constexpr std::size_t kPageBytes = 4096;

  /// Worker: new memory, sealed so that nobody can shrink it under the other's feet.
  static Result<TaskPages> create();
  /// Runner: maps the descriptor it inherited. kInvalid when that is no such memory.
  static Result<TaskPages> attach(UniqueFd fd);
  TaskPages(TaskPages&& other) noexcept;
  TaskPages& operator=(TaskPages&& other) noexcept;
  TaskPages(const TaskPages&) = delete;
  TaskPages& operator=(const TaskPages&) = delete;
  ~TaskPages();

  /// Live as long as this object. `task` in [0, kTasksMax).
  [[nodiscard]] TaskPage& connector() const;
  [[nodiscard]] TaskPage& task(int task) const;
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  TaskPages(UniqueFd fd, std::byte* memory) : fd_(std::move(fd)), memory_(memory) {}
  UniqueFd fd_;
  std::byte* memory_ = nullptr;
};

/// Runner: a call into the plugin begins / ended. CLOCK_MONOTONIC milliseconds. The page's only
/// writer.
void begin_call(TaskPage& page, PluginCall call, std::int64_t now_ms);
void begin_put(TaskPage& page, std::int64_t now_ms, std::string_view topic, std::int32_t partition,
               std::int64_t first_offset, std::int64_t last_offset);
/// The records stay named until the next call that hands records over.
void end_call(TaskPage& page, std::int64_t now_ms);

/// What a page said at one moment.
struct TaskPageView {
  bool valid =
      false;  // false: never written, or never at rest while it was read (the writer died half-way)
  PluginCall call = PluginCall::kNone;
  std::int64_t since_ms = 0;
  std::int64_t calls = 0;
  std::string topic;
  std::int32_t partition = -1;
  std::int64_t first_offset = -1;
  std::int64_t last_offset = -1;
};
/// Worker: safe whatever the runner wrote there.
[[nodiscard]] TaskPageView read_page(const TaskPage& page);
/// "poll()", "put()", ...; "" for kNone and unknown numbers.
[[nodiscard]] std::string_view to_string(PluginCall call);

}  // namespace penstock::connect
