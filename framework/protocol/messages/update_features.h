#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// UpdateFeatures (key 57), versions 0-2 (KIP-584). v1 upgrade type instead of the flag, validate
// only (KIP-778); v2 answers without results of single features (KIP-1022).
struct UpdateFeaturesRequest {
  struct Update {
    std::string_view feature;
    std::int16_t level = 0;
    bool allow_downgrade = false;
    std::int8_t upgrade_type = 1;
    template <class V>
    void fields(V& v) {
      v(feature);
      v(level);
      v(allow_downgrade, until(0));
      v(upgrade_type, since(1));
    }
  };
  std::int32_t timeout_ms = 60'000;
  std::vector<Update> updates;
  bool validate_only = false;
  template <class V>
  void fields(V& v) {
    v(timeout_ms);
    v(updates);
    v(validate_only, since(1));
  }
};

struct UpdateFeaturesResponse {
  struct Result {
    std::string feature;
    ErrorCode error{};
    std::optional<std::string> message;
    template <class V>
    void fields(V& v) {
      v(feature);
      v(error);
      v(message);
    }
  };
  std::int32_t throttle_ms = 0;
  ErrorCode error{};
  std::optional<std::string> message;
  std::vector<Result> results;
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(error);
    v(message);
    v(results, until(1));
  }
};

}  // namespace penstock::protocol
