#pragma once

#include <chrono>
#include <cstdint>

namespace penstock {

/// Where time comes from; a test gives its own. Implementations are thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Milliseconds since 1970-01-01 UTC; may jump.
  [[nodiscard]] virtual std::int64_t wall_ms() const = 0;
  /// Nanoseconds since an arbitrary start; never goes back.
  [[nodiscard]] virtual std::int64_t steady_ns() const = 0;
  [[nodiscard]] std::int64_t steady_ms() const { return steady_ns() / 1'000'000; }
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t wall_ms() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  [[nodiscard]] std::int64_t steady_ns() const override {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
};

}  // namespace penstock
