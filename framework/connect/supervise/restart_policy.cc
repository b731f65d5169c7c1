#include "framework/connect/supervise/restart_policy.h"

#include <algorithm>

namespace penstock::connect {

std::optional<std::int64_t> RestartPolicy::failed(std::int64_t now_ms, std::mt19937_64& random) {
  while (!tries_.empty() && tries_.front() <= now_ms - options_.window_ms) tries_.pop_front();
  if (attempts() >= options_.budget) return std::nullopt;
  tries_.push_back(now_ms);
  return delay(random);
}

std::int64_t RestartPolicy::failed_outside_budget(std::mt19937_64& random) { return delay(random); }

std::int64_t RestartPolicy::delay(std::mt19937_64& random) {
  std::int64_t full = options_.backoff_ms;
  for (int i = 0; i < in_a_row_ && full < options_.backoff_max_ms; ++i) full *= 2;
  full = std::min(full, options_.backoff_max_ms);
  ++in_a_row_;
  return std::uniform_int_distribution<std::int64_t>(full / 2, full)(random);
}

void RestartPolicy::reset() {
  tries_.clear();
  in_a_row_ = 0;
}

}  // namespace penstock::connect
