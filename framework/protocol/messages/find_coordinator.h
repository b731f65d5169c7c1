#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// FindCoordinator (key 10), versions 0-6. v1 key type, v3 flexible, v4 many keys (KIP-699);
// v5 (KIP-890) and v6 (share groups) look as v4.
struct FindCoordinatorRequest {
  std::string_view key;
  std::int8_t key_type = 0;  // 0 group, 1 transaction
  std::vector<std::string_view> keys;
  template <class V>
  void fields(V& v) {
    v(key, until(3));
    v(key_type, since(1));
    v(keys, since(4));
  }
};

struct FindCoordinatorResponse {
  struct Coordinator {
    std::string key;
    std::int32_t broker_id = -1;
    std::string host;
    std::int32_t port = -1;
    ErrorCode error = ErrorCode::kNone;
    std::optional<std::string> message;
    template <class V>
    void fields(V& v) {
      v(key);
      v(broker_id);
      v(host);
      v(port);
      v(error);
      v(message);
    }
  };
  std::int32_t throttle_ms = 0;
  ErrorCode error = ErrorCode::kNone;
  std::optional<std::string> message;
  std::int32_t broker_id = -1;
  std::string host;
  std::int32_t port = -1;
  std::vector<Coordinator> coordinators;
  template <class V>
  void fields(V& v) {
    v(throttle_ms, since(1));
    v(error, until(3));
    v(message, between(1, 3));
    v(broker_id, until(3));
    v(host, until(3));
    v(port, until(3));
    v(coordinators, since(4));
  }
};

}  // namespace penstock::protocol
