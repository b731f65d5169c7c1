#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "framework/base/error.h"
#include "framework/connect/channel/messages.h"

namespace penstock::connect {

/// errors.* of a connector.
struct ErrorPolicy {
  bool tolerate = false;                   // errors.tolerance=all
  std::int64_t retry_timeout_ms = 60'000;  // errors.retry.timeout; -1: for ever
  std::int64_t retry_delay_max_ms = 60'000;
  bool log = false;
  bool log_messages = false;
  std::string dead_letter_topic;  // "": none
  int dead_letter_replication = -1;
  bool dead_letter_context = false;
};

/// kInvalid names the key.
Result<ErrorPolicy> error_policy(const ConfigMap& config);

/// Times between tries of one call: from 300 ms, doubling up to the limit, with jitter.
class Backoff {
 public:
  explicit Backoff(const ErrorPolicy& policy) : policy_(policy) {}
  /// How long to wait before the next try, or nothing when errors.retry.timeout is over.
  std::optional<std::chrono::milliseconds> next();
  [[nodiscard]] int tries() const { return tries_; }

 private:
  const ErrorPolicy& policy_;
  int tries_ = 0;
  std::optional<std::chrono::steady_clock::time_point> first_;
  std::minstd_rand random_{std::random_device{}()};
};

/// Helpers for settings that are not a plugin's own. kInvalid names the key; an absent key gives
/// `fallback`.
Result<std::int64_t> number_setting(const ConfigMap& config, const std::string& key,
                                    std::int64_t fallback, std::int64_t min);
Result<bool> flag_setting(const ConfigMap& config, const std::string& key, bool fallback);
std::string text_setting(const ConfigMap& config, const std::string& key,
                         const std::string& fallback);

}  // namespace penstock::connect
