#pragma once

#include <cstdint>
#include <memory>

#include "framework/base/unique_function.h"

namespace penstock::net {

/// One thread and its event loop. What a shard owns is touched by its thread only; others post().
class Shard {
 public:
  using TimerId = std::uint64_t;  // 0: none

  explicit Shard(int index);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  [[nodiscard]] int index() const;
  /// Whether the calling thread is this shard's.
  [[nodiscard]] bool here() const;
  /// Runs `work` on the shard's thread, after what was posted before from the same thread. Any
  /// thread.
  void post(UniqueFunction<void()> work);
  /// Runs `work` once, `delay_ms` from now. Shard's thread only, as cancel(). Cancelling what
  /// already ran does nothing.
  TimerId after(std::int64_t delay_ms, UniqueFunction<void()> work);
  void cancel(TimerId id);

  /// Starts the thread. What was posted before runs then.
  void start();
  /// Ends the loop once the work at hand returned, and waits for the thread. What is still posted
  /// never runs, but is destroyed. Not from the shard's own thread.
  void stop();

  struct Impl;  // Asio; for this folder
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::net
