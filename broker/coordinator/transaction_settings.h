#pragma once

#include <cstdint>
#include <vector>

#include "broker/coordinator/transaction.h"
#include "framework/config/definition.h"

namespace penstock::broker {

struct TransactionSettings {
  TransactionLimits limits;
  std::int32_t topic_partitions = 8;
  std::int64_t topic_segment_bytes = 104'857'600;
  std::int64_t timeout_check_ms = 10'000;
  std::int64_t expiry_check_ms = 3'600'000;
};

/// The transaction coordinator's part of broker.properties.
[[nodiscard]] std::vector<config::Key> transaction_keys();
[[nodiscard]] TransactionSettings transaction_settings(const config::Settings& given);

}  // namespace penstock::broker
