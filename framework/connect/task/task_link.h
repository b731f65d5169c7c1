#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/error.h"
#include "framework/connect/channel/messages.h"
#include "penstock/plugin.h"

namespace penstock::connect {

/// What a task says to the worker. Any thread.
class TaskLink {
 public:
  virtual ~TaskLink() = default;
  /// Without an answer: states, metrics, offsets to store.
  virtual void send(Message message) = 0;
  /// Stored source offsets, in the order asked. Waits for the worker; kUnavailable when it does not
  /// answer.
  virtual Result<std::vector<std::optional<std::string>>> read_offsets(
      std::vector<std::string> partitions) = 0;
  /// One line, rate-limited.
  virtual void log(LogLevel level, std::string_view text) = 0;
};

/// What is asked of a task, from other threads. The mutex only pairs the condition variable with
/// the flags: they are read on the task's hot path without it.
class TaskSignal {
 public:
  /// Asks it to end, and to wait for others no longer than `at_most` from now. Asked again, the
  /// earlier end counts.
  void stop(std::chrono::milliseconds at_most);
  void pause(bool on) { set(paused_, on); }
  /// Ends the current or the next wait().
  void wake();
  /// The worker made StoreOffsets number `sequence` durable.
  void stored(std::int64_t sequence);
  /// The worker could not; the next send() of the same offsets may be.
  void store_failed(std::string text, bool retriable);

  [[nodiscard]] bool stopping() const { return stopping_.load(std::memory_order_acquire); }
  /// When waiting for others ends; max() before stop().
  [[nodiscard]] std::chrono::steady_clock::time_point stop_by() const {
    return stop_by_.load(std::memory_order_acquire);
  }
  [[nodiscard]] bool paused() const { return paused_.load(std::memory_order_acquire); }
  [[nodiscard]] std::int64_t stored() const { return stored_.load(std::memory_order_acquire); }
  struct StoreFailure {
    std::string text;
    bool retriable = false;
  };
  /// What store_failed() said since the last call.
  std::optional<StoreFailure> take_store_failure();
  /// Until something above happens (true) or `at_most` has passed.
  bool wait(std::chrono::milliseconds at_most);

 private:
  void set(std::atomic<bool>& flag, bool on);
  std::atomic<bool> stopping_{false};
  std::atomic<std::chrono::steady_clock::time_point> stop_by_{
      std::chrono::steady_clock::time_point::max()};
  std::atomic<bool> paused_{false};
  std::atomic<std::int64_t> stored_{0};
  std::atomic<bool> store_failed_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;          // guarded by mutex_
  StoreFailure store_failure_;  // guarded by mutex_
};

/// How a task ended.
struct TaskEnd {
  bool failed = false;
  bool fatal = false;        // restarting cannot help
  bool budget_free = false;  // restart outside the budget
  bool drained = false;      // all that was read is delivered, and its offsets are stored
  std::string trace;
};

}  // namespace penstock::connect
