#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// SyncGroup (key 14), versions 0-5. v3 static members (KIP-345), v4 flexible, v5 protocol type and
// name (KIP-559).
struct SyncGroupRequest {
  struct Assignment {
    std::string_view member_id;
    ByteView assignment;
    template <class V>
    void fields(V& v) {
      v(member_id);
      v(assignment);
    }
  };
  std::string_view group_id;
  std::int32_t generation = -1;
  std::string_view member_id;
  std::optional<std::string_view> instance_id;
  std::optional<std::string_view> protocol_type;
  std::optional<std::string_view> protocol;
  std::vector<Assignment> assignments;
  template <class V>
  void fields(V& v) {
    v(group_id);
    v(generation);
    v(member_id);
    v(instance_id, since(3));
    v(protocol_type, since(5));
    v(protocol, since(5));
    v(assignments);
  }
};

struct SyncGroupResponse {
  std::int32_t throttle_ms = 0;
  ErrorCode error = ErrorCode::kNone;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol;
  ByteView assignment;
  template <class V>
  void fields(V& v) {
    v(throttle_ms, since(1));
    v(error);
    v(protocol_type, since(5));
    v(protocol, since(5));
    v(assignment);
  }
};

}  // namespace penstock::protocol
