#include "framework/connect/task/error_policy.h"

#include <algorithm>
#include <charconv>

namespace penstock::connect {

std::string text_setting(const ConfigMap& config, const std::string& key,
                         const std::string& fallback) {
  const auto found = config.find(key);
  return found == config.end() ? fallback : found->second;
}

Result<std::int64_t> number_setting(const ConfigMap& config, const std::string& key,
                                    std::int64_t fallback, std::int64_t min) {
  const auto found = config.find(key);
  if (found == config.end()) return fallback;
  const auto& text = found->second;
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size() || out < min) {
    return fail(Errc::kInvalid, key + ": must be a whole number of at least " +
                                    std::to_string(min) + ", not \"" + text + "\"");
  }
  return out;
}

Result<bool> flag_setting(const ConfigMap& config, const std::string& key, bool fallback) {
  const auto found = config.find(key);
  if (found == config.end()) return fallback;
  if (found->second == "true") return true;
  if (found->second == "false") return false;
  return fail(Errc::kInvalid, key + ": must be true or false, not \"" + found->second + "\"");
}

Result<ErrorPolicy> error_policy(const ConfigMap& config) {
  ErrorPolicy out;
  const auto tolerance = text_setting(config, "errors.tolerance", "none");
  if (tolerance != "none" && tolerance != "all") {
    return fail(Errc::kInvalid, "errors.tolerance: must be none or all, not \"" + tolerance + "\"");
  }
  out.tolerate = tolerance == "all";
  PENSTOCK_ASSIGN_OR_RETURN(out.retry_timeout_ms, number_setting(config, "errors.retry.timeout",
                                                                 out.retry_timeout_ms, -1));
  PENSTOCK_ASSIGN_OR_RETURN(
      out.retry_delay_max_ms,
      number_setting(config, "errors.retry.delay.max.ms", out.retry_delay_max_ms, 1));
  PENSTOCK_ASSIGN_OR_RETURN(out.log, flag_setting(config, "errors.log.enable", false));
  PENSTOCK_ASSIGN_OR_RETURN(out.log_messages,
                            flag_setting(config, "errors.log.include.messages", false));
  out.dead_letter_topic = text_setting(config, "errors.deadletterqueue.topic.name", "");
  PENSTOCK_ASSIGN_OR_RETURN(
      const auto replication,
      number_setting(config, "errors.deadletterqueue.topic.replication.factor", -1, -1));
  out.dead_letter_replication = static_cast<int>(replication);
  PENSTOCK_ASSIGN_OR_RETURN(
      out.dead_letter_context,
      flag_setting(config, "errors.deadletterqueue.context.headers.enable", false));
  return out;
}

std::optional<std::chrono::milliseconds> Backoff::next() {
  constexpr std::int64_t kFirstMs = 300;
  constexpr int kDoublingsMax = 20;
  const auto now = std::chrono::steady_clock::now();
  if (!first_) first_ = now;
  auto delay = std::min(kFirstMs << std::min(tries_, kDoublingsMax), policy_.retry_delay_max_ms);
  ++tries_;
  delay -= std::uniform_int_distribution<std::int64_t>(0, delay / 4)(random_);
  if (policy_.retry_timeout_ms >= 0) {
    const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(now - *first_).count();
    const auto left = policy_.retry_timeout_ms - spent;
    if (left <= 0) return std::nullopt;
    delay = std::min(delay, left);
  }
  return std::chrono::milliseconds(delay);
}

}  // namespace penstock::connect
