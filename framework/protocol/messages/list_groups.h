#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// ListGroups (key 16), versions 0-5. v3 flexible, v4 states (KIP-518), v5 types (KIP-848).
struct ListGroupsRequest {
  std::vector<std::string_view> states;
  std::vector<std::string_view> types;
  template <class V>
  void fields(V& v) {
    v(states, since(4));
    v(types, since(5));
  }
};

struct ListGroupsResponse {
  struct Group {
    std::string id;
    std::string protocol_type;
    std::string state;
    std::string type;
    template <class V>
    void fields(V& v) {
      v(id);
      v(protocol_type);
      v(state, since(4));
      v(type, since(5));
    }
  };
  std::int32_t throttle_ms = 0;
  ErrorCode error = ErrorCode::kNone;
  std::vector<Group> groups;
  template <class V>
  void fields(V& v) {
    v(throttle_ms, since(1));
    v(error);
    v(groups);
  }
};

}  // namespace penstock::protocol
