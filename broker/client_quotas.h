#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::broker {

/// Sum of what happened over the last windows, as Kafka's quotas count it: 11 windows of a second.
class QuotaWindows {
 public:
  static constexpr std::int64_t kWindowMs = 1000;
  static constexpr std::int64_t kWindows = 11;

  void add(double amount, std::int64_t now_ms);
  /// A second. A client that is new is taken to have been there for the full windows.
  [[nodiscard]] double rate(std::int64_t now_ms) const;
  /// For how long nothing must happen until the rate is back at `limit`; 0 when it is not above.
  [[nodiscard]] std::int32_t throttle_ms(double limit, std::int64_t now_ms) const;
  [[nodiscard]] bool idle(std::int64_t now_ms) const;

 private:
  struct Window {
    std::int64_t begin_ms = 0;
    double sum = 0;
  };
  void measure(std::int64_t now_ms, double& sum, std::int64_t& span_ms) const;
  std::deque<Window> windows_;
};

/// Partitions that may be changed, as Kafka counts them: a bucket of 11 seconds' worth that fills
/// steadily and starts full. It may be overdrawn once, and is shut until that is made good.
class TokenBucket {
 public:
  /// `rate` a second; it may be another one each time.
  void refill(double rate, std::int64_t now_ms);
  void take(double tokens) { tokens_ -= tokens; }
  /// For how long nothing may be taken; 0 when something may.
  [[nodiscard]] std::int32_t wait_ms(double rate) const;
  [[nodiscard]] bool idle(std::int64_t now_ms) const;

 private:
  double tokens_ = 0;
  std::int64_t filled_ms_ = -1;  // -1: never
};

/// Who a quota is for: "user", "client-id" or "ip" to a name, or to nothing for the default.
using QuotaEntity = std::map<std::string, std::optional<std::string>>;
/// What is allowed, by Kafka's names.
using QuotaValues = std::map<std::string, double>;

inline constexpr const char* kProducerByteRate = "producer_byte_rate";
inline constexpr const char* kConsumerByteRate = "consumer_byte_rate";
inline constexpr const char* kConnectionCreationRate = "connection_creation_rate";
inline constexpr const char* kRequestPercentage = "request_percentage";  // of one thread
inline constexpr const char* kControllerMutationRate = "controller_mutation_rate";

struct MutationAnswer {
  bool allowed = true;
  std::int32_t wait_ms = 0;
};

/// The client quotas that are set, and how much each client has used. Any thread.
class ClientQuotas {
 public:
  static constexpr std::string_view kUser = "ANONYMOUS";  // nobody logs in
  static constexpr std::size_t kClientsMax = 10'000;      // whose use is counted at a time

  enum class Kind : std::uint8_t { kProduce, kFetch, kTime, kMutation };

  /// Whether any quota is set: without one, nothing else has to be asked.
  [[nodiscard]] bool any() const { return any_.load(std::memory_order_relaxed); }
  /// Whether the time of requests has to be measured.
  [[nodiscard]] bool limits_time() const { return limits_time_.load(std::memory_order_relaxed); }
  /// Empty values take the entity out.
  void set(const QuotaEntity& entity, QuotaValues values);
  [[nodiscard]] std::map<QuotaEntity, QuotaValues> all() const;
  /// What is set for this entity and no other; empty: nothing.
  [[nodiscard]] QuotaValues of(const QuotaEntity& entity) const;
  [[nodiscard]] std::size_t entities() const;

  /// Counts bytes of a client; how long its connection has to wait now.
  std::int32_t charge(Kind kind, std::string_view client_id, std::uint64_t bytes,
                      std::int64_t now_ms);
  /// As charge(), but what would have to wait is not counted.
  std::int32_t charge_if_allowed(Kind kind, std::string_view client_id, std::uint64_t bytes,
                                 std::int64_t now_ms);
  /// Counts a shard's time that a client's request took; how long its connection has to wait now.
  std::int32_t charge_time(std::string_view client_id, std::int64_t ns, std::int64_t now_ms);
  /// Counts partitions that a client creates or deletes. When the quota is used up, a `strict`
  /// request must not, and is not counted; another one may, and waits.
  MutationAnswer mutate(std::string_view client_id, std::int32_t partitions, bool strict,
                        std::int64_t now_ms);
  /// The most that one answer may hold without going over the quota of all windows.
  [[nodiscard]] std::optional<std::uint64_t> bytes_max(Kind kind, std::string_view client_id) const;
  /// Counts a connection from an address, unless it is one too many.
  bool may_connect(const std::string& address, std::int64_t now_ms);
  [[nodiscard]] std::size_t clients_counted() const;

 private:
  struct Limit {
    double value = 0;
    std::string counted_for;  // clients with the same text share the quota
  };
  [[nodiscard]] const double* find(const QuotaEntity& entity, const char* key) const;
  [[nodiscard]] std::optional<Limit> limit_of(Kind kind, std::string_view client_id) const;
  std::int32_t count(Kind kind, std::string_view client_id, double amount, bool only_allowed,
                     std::int64_t now_ms);

  std::atomic<bool> any_{false};
  std::atomic<bool> limits_time_{false};
  // Guards the three maps. One client has connections on several shards, and its use is one number:
  // an owner would cost every request of every client a post each way. Held for a look-up and a
  // sum, and only when a quota is set.
  mutable std::mutex mutex_;
  std::size_t timed_ = 0;  // entities with request_percentage; guarded by mutex_
  std::map<QuotaEntity, QuotaValues> quotas_;   // guarded by mutex_
  std::map<std::string, QuotaWindows> used_;    // guarded by mutex_
  std::map<std::string, TokenBucket> buckets_;  // guarded by mutex_
};

}  // namespace penstock::broker
