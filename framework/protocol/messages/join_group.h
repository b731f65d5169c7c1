#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// JoinGroup (key 11), versions 0-9. v1 rebalance timeout, v4 MEMBER_ID_REQUIRED (KIP-394), v5
// static members (KIP-345), v6 flexible, v7 protocol type in the answer (KIP-559), v8 reason
// (KIP-800), v9 skip assignment (KIP-814).
struct JoinGroupRequest {
  struct Protocol {
    std::string_view name;
    ByteView metadata;
    template <class V>
    void fields(V& v) {
      v(name);
      v(metadata);
    }
  };
  std::string_view group_id;
  std::int32_t session_timeout_ms = 0;
  std::int32_t rebalance_timeout_ms = -1;
  std::string_view member_id;
  std::optional<std::string_view> instance_id;
  std::string_view protocol_type;
  std::vector<Protocol> protocols;
  std::optional<std::string_view> reason;
  template <class V>
  void fields(V& v) {
    v(group_id);
    v(session_timeout_ms);
    v(rebalance_timeout_ms, since(1));
    v(member_id);
    v(instance_id, since(5));
    v(protocol_type);
    v(protocols);
    v(reason, since(8));
  }
};

struct JoinGroupResponse {
  struct Member {
    std::string id;
    std::optional<std::string> instance_id;
    ByteView metadata;
    template <class V>
    void fields(V& v) {
      v(id);
      v(instance_id, since(5));
      v(metadata);
    }
  };
  std::int32_t throttle_ms = 0;
  ErrorCode error = ErrorCode::kNone;
  std::int32_t generation = -1;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol;  // null only from v7 on
  std::string leader;
  bool skip_assignment = false;
  std::string member_id;
  std::vector<Member> members;
  template <class V>
  void fields(V& v) {
    v(throttle_ms, since(2));
    v(error);
    v(generation);
    v(protocol_type, since(7));
    v(protocol);
    v(leader);
    v(skip_assignment, since(9));
    v(member_id);
    v(members);
  }
};

}  // namespace penstock::protocol
