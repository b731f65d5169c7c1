#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <random>

namespace penstock::connect {

/// When to try again what failed. Exponential backoff with jitter while there is no progress; at
/// most `budget` tries within `window_ms`.
class RestartPolicy {
 public:
  struct Options {
    std::int64_t backoff_ms = 500;
    std::int64_t backoff_max_ms = 60'000;
    int budget = 16;
    std::int64_t window_ms = 600'000;
  };
  RestartPolicy() = default;
  explicit RestartPolicy(Options options) : options_(options) {}

  /// It failed at `now_ms`: how long to wait, or nullopt when the budget is used up.
  std::optional<std::int64_t> failed(std::int64_t now_ms, std::mt19937_64& random);
  /// As failed(), for a failure that is not its fault: waits, but does not count against the
  /// budget.
  std::int64_t failed_outside_budget(std::mt19937_64& random);
  /// It did something useful since it was started: the next wait is short again.
  void progressed() { in_a_row_ = 0; }
  /// Somebody asked for a restart: all is forgotten.
  void reset();
  /// Tries within the window.
  [[nodiscard]] int attempts() const { return static_cast<int>(tries_.size()); }
  [[nodiscard]] int budget() const { return options_.budget; }

 private:
  std::int64_t delay(std::mt19937_64& random);
  Options options_;
  std::deque<std::int64_t> tries_;
  int in_a_row_ = 0;
};

}  // namespace penstock::connect
