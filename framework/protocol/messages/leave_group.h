#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// LeaveGroup (key 13), versions 0-5. v3 many members, by member or instance id (KIP-345), v4
// flexible, v5 reason (KIP-800).
struct LeaveGroupRequest {
  struct Member {
    std::string_view id;
    std::optional<std::string_view> instance_id;
    std::optional<std::string_view> reason;
    template <class V>
    void fields(V& v) {
      v(id);
      v(instance_id);
      v(reason, since(5));
    }
  };
  std::string_view group_id;
  std::string_view member_id;
  std::vector<Member> members;
  template <class V>
  void fields(V& v) {
    v(group_id);
    v(member_id, until(2));
    v(members, since(3));
  }
};

struct LeaveGroupResponse {
  struct Member {
    std::string id;
    std::optional<std::string> instance_id;
    ErrorCode error = ErrorCode::kNone;
    template <class V>
    void fields(V& v) {
      v(id);
      v(instance_id);
      v(error);
    }
  };
  std::int32_t throttle_ms = 0;
  ErrorCode error = ErrorCode::kNone;
  std::vector<Member> members;
  template <class V>
  void fields(V& v) {
    v(throttle_ms, since(1));
    v(error);
    v(members, since(3));
  }
};

}  // namespace penstock::protocol
