#pragma once

#include <atomic>
#include <cstdint>

namespace penstock::broker {

/// The features that clients are told of (KIP-584), at the levels that are in force. Any thread.
class Features {
 public:
  /// 0 to 2; see transaction.h.
  [[nodiscard]] std::int16_t transaction_version() const {
    return transaction_version_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::int16_t> transaction_version_{2};
};

}  // namespace penstock::broker
