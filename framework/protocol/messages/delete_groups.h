#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// DeleteGroups (key 42), versions 0-2 (KIP-229). v2 flexible.
struct DeleteGroupsRequest {
  std::vector<std::string_view> groups;
  template <class V>
  void fields(V& v) {
    v(groups);
  }
};

struct DeleteGroupsResponse {
  struct Group {
    std::string id;
    ErrorCode error = ErrorCode::kNone;
    template <class V>
    void fields(V& v) {
      v(id);
      v(error);
    }
  };
  std::int32_t throttle_ms = 0;
  std::vector<Group> groups;
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(groups);
  }
};

}  // namespace penstock::protocol
