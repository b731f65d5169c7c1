#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// AlterConfigs (key 33), versions 0-2: replaces all settings of a resource. v2 flexible.
struct AlterConfigsRequest {
  struct Config {
    std::string_view name;
    std::optional<std::string_view> value;
    template <class V>
    void fields(V& v) {
      v(name);
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

struct AlterConfigsResponse {
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
