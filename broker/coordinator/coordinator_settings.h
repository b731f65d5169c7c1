#pragma once

#include <cstdint>
#include <vector>

#include "broker/coordinator/group.h"
#include "framework/config/definition.h"

namespace penstock::broker {

struct CoordinatorSettings {
  GroupLimits limits;
  std::int32_t topic_partitions = 8;
  std::int64_t topic_segment_bytes = 104'857'600;
  std::int64_t retention_check_ms = 600'000;
};

/// The coordinator's part of broker.properties.
[[nodiscard]] std::vector<config::Key> coordinator_keys();
[[nodiscard]] CoordinatorSettings coordinator_settings(const config::Settings& given,
                                                       std::vector<config::Problem>& problems);

}  // namespace penstock::broker
