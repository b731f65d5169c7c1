#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "broker/topic_admin.h"

namespace penstock::broker {

class Broker;
class ReplyTo;

/// What one request may create and delete of partitions under `controller_mutation_rate` (KIP-599).
/// Any thread.
class MutationQuota {
 public:
  /// nullptr when no such quota is set. `strict`: the client knows THROTTLING_QUOTA_EXCEEDED.
  static std::shared_ptr<MutationQuota> of(Broker& broker, std::string client_id, bool strict);
  MutationQuota(Broker& broker, std::string client_id, bool strict)
      : broker_(broker), client_id_(std::move(client_id)), strict_(strict) {}

  /// Counts partitions just before they are created or deleted; kThrottlingQuotaExceeded when they
  /// must not be.
  std::optional<ApiError> take(std::int32_t partitions);
  /// How long the client has to wait after what was taken or refused.
  [[nodiscard]] std::int32_t throttle_ms() const { return throttle_ms_.load(); }

 private:
  Broker& broker_;
  std::string client_id_;
  bool strict_;
  std::atomic<std::int32_t> throttle_ms_{0};
};

/// Nothing without a quota.
inline std::optional<ApiError> take(MutationQuota* quota, std::int32_t partitions) {
  return quota == nullptr ? std::nullopt : quota->take(partitions);
}

/// Lets the client wait for as long as the quota says, which is given. Connection's shard.
std::int32_t throttle(const MutationQuota* quota, ReplyTo& reply);

}  // namespace penstock::broker
