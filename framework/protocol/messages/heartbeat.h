#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// Heartbeat (key 12), versions 0-4. v3 static members (KIP-345), v4 flexible.
struct HeartbeatRequest {
  std::string_view group_id;
  std::int32_t generation = -1;
  std::string_view member_id;
  std::optional<std::string_view> instance_id;
  template <class V>
  void fields(V& v) {
    v(group_id);
    v(generation);
    v(member_id);
    v(instance_id, since(3));
  }
};

struct HeartbeatResponse {
  std::int32_t throttle_ms = 0;
  ErrorCode error = ErrorCode::kNone;
  template <class V>
  void fields(V& v) {
    v(throttle_ms, since(1));
    v(error);
  }
};

}  // namespace penstock::protocol
