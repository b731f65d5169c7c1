#include "framework/connect/channel/task_pages.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "framework/base/assert.h"

namespace penstock::connect {
namespace {

constexpr std::size_t kAllBytes =
    static_cast<std::size_t>(TaskPages::kTasksMax + 1) * TaskPages::kPageBytes;

Result<std::byte*> map(int fd) {
  void* memory = ::mmap(nullptr, kAllBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return fail_errno(errno, "mapping the task pages");
  return static_cast<std::byte*>(memory);
}

// Fields that are no atomics in the layout are read and written as such: the other side may do so
// at the same moment.
template <class T>
void put(T& field, T value) {
  std::atomic_ref(field).store(value, std::memory_order_relaxed);
}
template <class T>
T get(const T& field) {
  return std::atomic_ref(const_cast<T&>(field)).load(std::memory_order_relaxed);
}

/// Odd while fields change. The fence keeps their stores behind it.
std::uint64_t begin_write(TaskPage& page) {
  put(page.magic, TaskPage::kMagic);
  put(page.layout, 1U);
  const auto version = page.version.load(std::memory_order_relaxed) | 1U;
  page.version.store(version, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  return version;
}
void end_write(TaskPage& page, std::uint64_t version) {
  page.version.store(version + 1, std::memory_order_release);
}

}  // namespace

Result<TaskPages> TaskPages::create() {
  UniqueFd fd(::memfd_create("penstock-task-pages", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return fail_errno(errno, "memfd_create for the task pages");
  if (::ftruncate(fd.get(), static_cast<off_t>(kAllBytes)) != 0)
    return fail_errno(errno, "sizing the task pages");
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return fail_errno(errno, "sealing the task pages");
  }
  PENSTOCK_ASSIGN_OR_RETURN(auto* memory, map(fd.get()));
  return TaskPages(std::move(fd), memory);
}

Result<TaskPages> TaskPages::attach(UniqueFd fd) {
  struct stat about {};
  if (::fstat(fd.get(), &about) != 0) return fail_errno(errno, "task pages");
  if (static_cast<std::size_t>(about.st_size) != kAllBytes) {
    return fail(Errc::kInvalid, "task pages have " + std::to_string(about.st_size) +
                                    " bytes, not " + std::to_string(kAllBytes));
  }
  PENSTOCK_ASSIGN_OR_RETURN(auto* memory, map(fd.get()));
  return TaskPages(std::move(fd), memory);
}

TaskPages::TaskPages(TaskPages&& other) noexcept
    : fd_(std::move(other.fd_)), memory_(std::exchange(other.memory_, nullptr)) {}

TaskPages& TaskPages::operator=(TaskPages&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(memory_, other.memory_);
  return *this;
}

TaskPages::~TaskPages() {
  if (memory_ != nullptr) ::munmap(memory_, kAllBytes);
}

TaskPage& TaskPages::connector() const {
  return *std::launder(reinterpret_cast<TaskPage*>(memory_));
}

TaskPage& TaskPages::task(int task) const {
  PENSTOCK_ASSERT(task >= 0 && task < kTasksMax);
  return *std::launder(
      reinterpret_cast<TaskPage*>(memory_ + static_cast<std::size_t>(task + 1) * kPageBytes));
}

void begin_call(TaskPage& page, PluginCall call, std::int64_t now_ms) {
  const auto version = begin_write(page);
  page.call.store(static_cast<std::uint32_t>(call), std::memory_order_relaxed);
  page.since_ms.store(now_ms, std::memory_order_relaxed);
  end_write(page, version);
}

void begin_put(TaskPage& page, std::int64_t now_ms, std::string_view topic, std::int32_t partition,
               std::int64_t first_offset, std::int64_t last_offset) {
  const auto version = begin_write(page);
  page.call.store(static_cast<std::uint32_t>(PluginCall::kPut), std::memory_order_relaxed);
  page.since_ms.store(now_ms, std::memory_order_relaxed);
  page.partition.store(partition, std::memory_order_relaxed);
  page.first_offset.store(first_offset, std::memory_order_relaxed);
  page.last_offset.store(last_offset, std::memory_order_relaxed);
  const auto n = std::min(topic.size(), TaskPage::kTopicBytes - 1);
  for (std::size_t i = 0; i < n; ++i) put(page.topic[i], topic[i]);
  put(page.topic[n], '\0');
  end_write(page, version);
}

void end_call(TaskPage& page, std::int64_t now_ms) {
  const auto version = begin_write(page);
  page.call.store(static_cast<std::uint32_t>(PluginCall::kNone), std::memory_order_relaxed);
  page.since_ms.store(now_ms, std::memory_order_relaxed);
  page.calls.fetch_add(1, std::memory_order_relaxed);
  end_write(page, version);
}

TaskPageView read_page(const TaskPage& page) {
  constexpr int kAttempts = 1000;
  TaskPageView view;
  for (int i = 0; i < kAttempts && !view.valid; ++i) {
    const auto before = page.version.load(std::memory_order_acquire);
    if (before == 0 || (before & 1U) != 0) continue;
    view.call = static_cast<PluginCall>(page.call.load(std::memory_order_relaxed));
    view.since_ms = page.since_ms.load(std::memory_order_relaxed);
    view.calls = page.calls.load(std::memory_order_relaxed);
    view.partition = page.partition.load(std::memory_order_relaxed);
    view.first_offset = page.first_offset.load(std::memory_order_relaxed);
    view.last_offset = page.last_offset.load(std::memory_order_relaxed);
    char topic[TaskPage::kTopicBytes];
    for (std::size_t c = 0; c < sizeof topic; ++c) topic[c] = get(page.topic[c]);
    view.topic.assign(topic, ::strnlen(topic, sizeof topic));
    const bool known = get(page.magic) == TaskPage::kMagic && get(page.layout) == 1;
    std::atomic_thread_fence(std::memory_order_acquire);
    view.valid = known && page.version.load(std::memory_order_relaxed) == before;
  }
  return view.valid ? view : TaskPageView{};
}

std::string_view to_string(PluginCall call) {
  switch (call) {
    case PluginCall::kNone:
      return "";
    case PluginCall::kStart:
      return "start()";
    case PluginCall::kPoll:
      return "poll()";
    case PluginCall::kTick:
      return "tick()";
    case PluginCall::kCommitted:
      return "committed()";
    case PluginCall::kOpen:
      return "open()";
    case PluginCall::kPut:
      return "put()";
    case PluginCall::kFlush:
      return "flush()";
    case PluginCall::kClose:
      return "close()";
    case PluginCall::kDestroy:
      return "its destructor";
    case PluginCall::kValidate:
      return "validate()";
    case PluginCall::kPlan:
      return "plan()";
    case PluginCall::kHook:
      return "a lifecycle hook";
    case PluginCall::kConvert:
      return "a converter";
  }
  return "";
}

}  // namespace penstock::connect
