#include "broker/mutation_quota.h"

#include <algorithm>
#include <utility>

#include "broker/broker.h"
#include "broker/client_quotas.h"
#include "broker/handler.h"

namespace penstock::broker {

std::shared_ptr<MutationQuota> MutationQuota::of(Broker& broker, std::string client_id,
                                                 bool strict) {
  if (!broker.quotas().any()) return nullptr;
  return std::make_shared<MutationQuota>(broker, std::move(client_id), strict);
}

std::optional<ApiError> MutationQuota::take(std::int32_t partitions) {
  const std::int64_t now_ms = broker_.clock().steady_ms();
  const MutationAnswer answer = broker_.quotas().mutate(client_id_, partitions, strict_, now_ms);
  std::int32_t before = throttle_ms_.load();
  while (before < answer.wait_ms && !throttle_ms_.compare_exchange_weak(before, answer.wait_ms)) {
  }
  if (answer.allowed) return std::nullopt;
  return ApiError{protocol::ErrorCode::kThrottlingQuotaExceeded,
                  "The throttling quota has been exceeded."};
}

std::int32_t throttle(const MutationQuota* quota, ReplyTo& reply) {
  const std::int32_t wait_ms = quota == nullptr ? 0 : quota->throttle_ms();
  if (wait_ms > 0) reply.pause_client(wait_ms);
  return wait_ms;
}

}  // namespace penstock::broker
