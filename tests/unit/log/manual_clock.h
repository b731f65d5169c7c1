#pragma once

#include "framework/base/clock.h"

namespace penstock::log::testing {

class ManualClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t wall_ms() const override { return now_ms; }
  [[nodiscard]] std::int64_t steady_ns() const override { return now_ms * 1'000'000; }
  std::int64_t now_ms = 1'000'000;
};

}  // namespace penstock::log::testing
