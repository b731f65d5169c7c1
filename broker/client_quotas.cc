#include "broker/client_quotas.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace penstock::broker {

namespace {
constexpr double kMsASecond = 1000;
constexpr auto kThrottleMsMax = static_cast<double>(std::numeric_limits<std::int32_t>::max());

constexpr double kPercentANs = 100.0 / 1e9;  // of a second of one thread

const char* key_of(ClientQuotas::Kind kind) {
  switch (kind) {
    case ClientQuotas::Kind::kProduce:
      return kProducerByteRate;
    case ClientQuotas::Kind::kFetch:
      return kConsumerByteRate;
    case ClientQuotas::Kind::kTime:
      return kRequestPercentage;
    case ClientQuotas::Kind::kMutation:
      return kControllerMutationRate;
  }
  return "";
}

/// At most kClientsMax are counted: those who rest are forgotten, then whoever comes first.
template <class Used>
Used& used_by(std::map<std::string, Used>& all, const std::string& who, std::int64_t now_ms) {
  if (all.size() >= ClientQuotas::kClientsMax && !all.contains(who)) {
    std::erase_if(all, [&](const auto& entry) { return entry.second.idle(now_ms); });
    if (all.size() >= ClientQuotas::kClientsMax) all.erase(all.begin());
  }
  return all[who];
}
}  // namespace

void QuotaWindows::add(double amount, std::int64_t now_ms) {
  if (windows_.empty() || now_ms - windows_.back().begin_ms >= kWindowMs)
    windows_.push_back({now_ms, 0});
  windows_.back().sum += amount;
  while (windows_.size() > 1 && now_ms - windows_.front().begin_ms >= kWindows * kWindowMs)
    windows_.pop_front();
}

void QuotaWindows::measure(std::int64_t now_ms, double& sum, std::int64_t& span_ms) const {
  sum = 0;
  std::int64_t oldest_ms = now_ms;
  for (const Window& window : windows_) {
    if (now_ms - window.begin_ms >= kWindows * kWindowMs) continue;
    sum += window.sum;
    oldest_ms = std::min(oldest_ms, window.begin_ms);
  }
  span_ms = now_ms - oldest_ms;
  const std::int64_t full = span_ms / kWindowMs;
  if (full < kWindows - 1) span_ms += (kWindows - 1 - full) * kWindowMs;
}

double QuotaWindows::rate(std::int64_t now_ms) const {
  double sum = 0;
  std::int64_t span_ms = 0;
  measure(now_ms, sum, span_ms);
  return sum * kMsASecond / static_cast<double>(span_ms);
}

std::int32_t QuotaWindows::throttle_ms(double limit, std::int64_t now_ms) const {
  double sum = 0;
  std::int64_t span_ms = 0;
  measure(now_ms, sum, span_ms);
  const auto span = static_cast<double>(span_ms);
  const double over = sum * kMsASecond / span - limit;
  if (over <= 0) return 0;
  return static_cast<std::int32_t>(std::min(std::round(over / limit * span), kThrottleMsMax));
}

bool QuotaWindows::idle(std::int64_t now_ms) const {
  return windows_.empty() || now_ms - windows_.back().begin_ms >= kWindows * kWindowMs;
}

void TokenBucket::refill(double rate, std::int64_t now_ms) {
  const double full =
      rate * static_cast<double>(QuotaWindows::kWindows * QuotaWindows::kWindowMs) / kMsASecond;
  tokens_ =
      filled_ms_ < 0
          ? full
          : std::min(full, tokens_ + rate * static_cast<double>(now_ms - filled_ms_) / kMsASecond);
  filled_ms_ = now_ms;
}

std::int32_t TokenBucket::wait_ms(double rate) const {
  if (tokens_ >= 0) return 0;
  // Never 0: that would say that something may be taken.
  return static_cast<std::int32_t>(
      std::clamp(std::round(-tokens_ / rate * kMsASecond), 1.0, kThrottleMsMax));
}

bool TokenBucket::idle(std::int64_t now_ms) const {
  return tokens_ >= 0 && now_ms - filled_ms_ >= QuotaWindows::kWindows * QuotaWindows::kWindowMs;
}

void ClientQuotas::set(const QuotaEntity& entity, QuotaValues values) {
  const std::lock_guard lock(mutex_);
  const auto known = quotas_.find(entity);
  if (known != quotas_.end() && known->second.contains(kRequestPercentage)) --timed_;
  if (values.contains(kRequestPercentage)) ++timed_;
  if (values.empty())
    quotas_.erase(entity);
  else
    quotas_[entity] = std::move(values);
  if (quotas_.empty()) {
    used_.clear();
    buckets_.clear();
  }
  limits_time_.store(timed_ > 0, std::memory_order_relaxed);
  any_.store(!quotas_.empty(), std::memory_order_relaxed);
}

std::map<QuotaEntity, QuotaValues> ClientQuotas::all() const {
  const std::lock_guard lock(mutex_);
  return quotas_;
}

QuotaValues ClientQuotas::of(const QuotaEntity& entity) const {
  const std::lock_guard lock(mutex_);
  const auto found = quotas_.find(entity);
  return found == quotas_.end() ? QuotaValues() : found->second;
}

std::size_t ClientQuotas::entities() const {
  const std::lock_guard lock(mutex_);
  return quotas_.size();
}

std::size_t ClientQuotas::clients_counted() const {
  const std::lock_guard lock(mutex_);
  return used_.size();
}

const double* ClientQuotas::find(const QuotaEntity& entity, const char* key) const {
  const auto found = quotas_.find(entity);
  if (found == quotas_.end()) return nullptr;
  const auto value = found->second.find(key);
  return value == found->second.end() ? nullptr : &value->second;
}

/// The first of Kafka's order that is set: user and client, user, client; the name before the
/// default.
std::optional<ClientQuotas::Limit> ClientQuotas::limit_of(Kind kind,
                                                          std::string_view client_id) const {
  const char* key = key_of(kind);
  const std::optional<std::string> client{std::string(client_id)};
  const std::optional<std::string> user{std::string(kUser)};
  const std::string for_user = std::string(key) + " user " + *user;
  const std::string for_client = " client " + *client;
  const std::array<std::pair<QuotaEntity, std::string>, 8> order{{
      {{{"user", user}, {"client-id", client}}, for_user + for_client},
      {{{"user", user}, {"client-id", std::nullopt}}, for_user + for_client},
      {{{"user", user}}, for_user},
      {{{"user", std::nullopt}, {"client-id", client}}, for_user + for_client},
      {{{"user", std::nullopt}, {"client-id", std::nullopt}}, for_user + for_client},
      {{{"user", std::nullopt}}, for_user},
      {{{"client-id", client}}, key + for_client},
      {{{"client-id", std::nullopt}}, key + for_client},
  }};
  for (const auto& [entity, counted_for] : order) {
    if (const double* value = find(entity, key)) return Limit{*value, counted_for};
  }
  return std::nullopt;
}

std::int32_t ClientQuotas::count(Kind kind, std::string_view client_id, double amount,
                                 bool only_allowed, std::int64_t now_ms) {
  if (!any()) return 0;
  const std::lock_guard lock(mutex_);
  const std::optional<Limit> limit = limit_of(kind, client_id);
  if (!limit) return 0;
  QuotaWindows& windows = used_by(used_, limit->counted_for, now_ms);
  windows.add(amount, now_ms);
  const std::int32_t wait_ms = windows.throttle_ms(limit->value, now_ms);
  if (wait_ms > 0 && only_allowed) windows.add(-amount, now_ms);
  return wait_ms;
}

std::int32_t ClientQuotas::charge(Kind kind, std::string_view client_id, std::uint64_t bytes,
                                  std::int64_t now_ms) {
  return count(kind, client_id, static_cast<double>(bytes), false, now_ms);
}

std::int32_t ClientQuotas::charge_if_allowed(Kind kind, std::string_view client_id,
                                             std::uint64_t bytes, std::int64_t now_ms) {
  return count(kind, client_id, static_cast<double>(bytes), true, now_ms);
}

std::int32_t ClientQuotas::charge_time(std::string_view client_id, std::int64_t ns,
                                       std::int64_t now_ms) {
  return count(Kind::kTime, client_id, static_cast<double>(ns) * kPercentANs, false, now_ms);
}

MutationAnswer ClientQuotas::mutate(std::string_view client_id, std::int32_t partitions,
                                    bool strict, std::int64_t now_ms) {
  if (!any()) return {};
  const std::lock_guard lock(mutex_);
  const std::optional<Limit> limit = limit_of(Kind::kMutation, client_id);
  if (!limit) return {};
  TokenBucket& bucket = used_by(buckets_, limit->counted_for, now_ms);
  bucket.refill(limit->value, now_ms);
  if (strict) {
    if (const std::int32_t wait_ms = bucket.wait_ms(limit->value); wait_ms > 0)
      return {false, wait_ms};
  }
  bucket.take(partitions);
  return {true, strict ? 0 : bucket.wait_ms(limit->value)};
}

std::optional<std::uint64_t> ClientQuotas::bytes_max(Kind kind, std::string_view client_id) const {
  if (!any()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const std::optional<Limit> limit = limit_of(kind, client_id);
  if (!limit) return std::nullopt;
  const double most = limit->value * (QuotaWindows::kWindows - 1) * QuotaWindows::kWindowMs / 1000;
  constexpr auto kMost = static_cast<double>(1LL << 62);
  return static_cast<std::uint64_t>(std::min(most, kMost));
}

bool ClientQuotas::may_connect(const std::string& address, std::int64_t now_ms) {
  if (!any()) return true;
  const std::lock_guard lock(mutex_);
  const double* limit = find({{"ip", address}}, kConnectionCreationRate);
  if (limit == nullptr) limit = find({{"ip", std::nullopt}}, kConnectionCreationRate);
  if (limit == nullptr) return true;
  QuotaWindows& windows = used_by(used_, "ip " + address, now_ms);
  windows.add(1, now_ms);
  if (windows.throttle_ms(*limit, now_ms) == 0) return true;
  windows.add(-1, now_ms);
  return false;
}

}  // namespace penstock::broker
