#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/ids.h"
#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

// ApiVersions (key 18), versions 0-4. v1 throttle time, v3 flexible, client software (KIP-511),
// features (KIP-584), v4 as v3, but lower bounds of features may be 0 (KAFKA-17011). Left out: tag
// 3 (migration from ZooKeeper).
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
  struct SupportedFeature {
    std::string name;
    std::int16_t low = 0;
    std::int16_t high = 0;
    template <class V>
    void fields(V& v) {
      v(name);
      v(low);
      v(high);
    }
  };
  struct FinalizedFeature {
    std::string name;
    std::int16_t high = 0;
    std::int16_t low = 0;
    template <class V>
    void fields(V& v) {
      v(name);
      v(high);
      v(low);
    }
  };
  ErrorCode error{};
  std::vector<Api> apis;
  std::int32_t throttle_ms = 0;
  std::vector<SupportedFeature> supported_features;
  std::int64_t features_epoch = 0;  // 0 is not sent, so a client has -1 then: unknown
  std::vector<FinalizedFeature> finalized_features;
  template <class V>
  void fields(V& v) {
    v(error);
    v(apis);
    v(throttle_ms, since(1));
    v.tagged(0, supported_features, since(3));
    v.tagged(1, features_epoch, since(3));
    v.tagged(2, finalized_features, since(3));
  }
};

}  // namespace penstock::protocol
