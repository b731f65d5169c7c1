#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// IncrementalAlterConfigs (key 44), versions 0-1 (KIP-339). v1 flexible.
struct IncrementalAlterConfigsRequest {
  struct Config {
    std::string_view name;
    std::int8_t operation = 0;  // 0 set, 1 delete, 2 append, 3 subtract
    std::optional<std::string_view> value;
    template <class V>
    void fields(V& v) {
      v(name);
      v(operation);
      v(value);
    }
  };
  struct Resource {
    std::int8_t type = 0;
    std::string_view name;
    std::vector<Config> configs;
    template <class V>
    void fields(V& v) {
      v(type);
      v(name);
      v(configs);
    }
  };
  std::vector<Resource> resources;
  bool validate_only = false;
  template <class V>
  void fields(V& v) {
    v(resources);
    v(validate_only);
  }
};

struct IncrementalAlterConfigsResponse {
  struct Resource {
    ErrorCode error = ErrorCode::kNone;
    std::optional<std::string> message;
    std::int8_t type = 0;
    std::string name;
    template <class V>
    void fields(V& v) {
      v(error);
      v(message);
      v(type);
      v(name);
    }
  };
  std::int32_t throttle_ms = 0;
  std::vector<Resource> resources;
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(resources);
  }
};

}  // namespace penstock::protocol
