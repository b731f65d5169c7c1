#include "framework/connect/task/task_link.h"

#include <utility>

namespace penstock::connect {

void TaskSignal::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

void TaskSignal::set(std::atomic<bool>& flag, bool on) {
  flag.store(on, std::memory_order_release);
  wake();
}

void TaskSignal::stop(std::chrono::milliseconds at_most) {
  const auto by = std::chrono::steady_clock::now() + at_most;
  if (by < stop_by()) stop_by_.store(by, std::memory_order_release);
  set(stopping_, true);
}

void TaskSignal::stored(std::int64_t sequence) {
  stored_.store(sequence, std::memory_order_release);
  wake();
}

void TaskSignal::store_failed(std::string text, bool retriable) {
  {
    const std::lock_guard lock(mutex_);
    store_failure_ = {std::move(text), retriable};
  }
  set(store_failed_, true);
}

std::optional<TaskSignal::StoreFailure> TaskSignal::take_store_failure() {
  if (!store_failed_.exchange(false, std::memory_order_acq_rel)) return std::nullopt;
  const std::lock_guard lock(mutex_);
  return std::move(store_failure_);
}

bool TaskSignal::wait(std::chrono::milliseconds at_most) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, at_most, [this] { return woken_; });
  return std::exchange(woken_, false);
}

}  // namespace penstock::connect
