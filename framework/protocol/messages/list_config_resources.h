#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// ListConfigResources (key 74), versions 0-1. v0 names client metrics only (KIP-714), v1 the types
// that are asked for (KIP-1142).
struct ListConfigResourcesRequest {
  std::vector<std::int8_t> types;  // empty: all
  template <class V>
  void fields(V& v) {
    v(types, since(1));
  }
};

struct ListConfigResourcesResponse {
  struct Resource {
    std::string name;
    std::int8_t type = 16;
    template <class V>
    void fields(V& v) {
      v(name);
      v(type, since(1));
    }
  };
  std::int32_t throttle_ms = 0;
  ErrorCode error = ErrorCode::kNone;
  std::vector<Resource> resources;
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(error);
    v(resources);
  }
};

}  // namespace penstock::protocol
