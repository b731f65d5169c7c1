#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/ids.h"
#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

// ApiVersions (key 18), versions 0-4. v1 throttle time, v3 flexible and client software (KIP-511),
// v4 as v3 (KIP-1022 lower bounds of features). Left out: the feature lists (tags 0 to 3). No
// feature is advertised, so clients keep to transactions v1.
namespace penstock::protocol {

struct ApiVersionsRequest {
  std::string_view client_software_name;
  std::string_view client_software_version;
  template <class V>
  void fields(V& v) {
    v(client_software_name, since(3));
    v(client_software_version, since(3));
  }
};

struct ApiVersionsResponse {
  struct Api {
    std::int16_t key = 0;
    std::int16_t low = 0;
    std::int16_t high = 0;
    template <class V>
    void fields(V& v) {
      v(key);
      v(low);
      v(high);
    }
  };
  ErrorCode error{};
  std::vector<Api> apis;
  std::int32_t throttle_ms = 0;
  template <class V>
  void fields(V& v) {
    v(error);
    v(apis);
    v(throttle_ms, since(1));
  }
};

}  // namespace penstock::protocol
