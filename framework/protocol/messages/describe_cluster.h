#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// DescribeCluster (key 60), versions 0-2 (KIP-700). v1 endpoint type (KIP-919), v2 fenced brokers
// (KIP-1073).
struct DescribeClusterRequest {
  bool include_authorized_operations = false;
  std::int8_t endpoint_type = 1;
  bool include_fenced = false;
  template <class V>
  void fields(V& v) {
    v(include_authorized_operations);
    v(endpoint_type, since(1));
    v(include_fenced, since(2));
  }
};

struct DescribeClusterResponse {
  struct Broker {
    std::int32_t id = 0;
    std::string host;
    std::int32_t port = 0;
    std::optional<std::string> rack;
    bool is_fenced = false;
    template <class V>
    void fields(V& v) {
      v(id);
      v(host);
      v(port);
      v(rack);
      v(is_fenced, since(2));
    }
  };
  std::int32_t throttle_ms = 0;
  ErrorCode error = ErrorCode::kNone;
  std::optional<std::string> message;
  std::int8_t endpoint_type = 1;
  std::string cluster_id;
  std::int32_t controller_id = -1;
  std::vector<Broker> brokers;
  std::int32_t authorized_operations = INT32_MIN;
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(error);
    v(message);
    v(endpoint_type, since(1));
    v(cluster_id);
    v(controller_id);
    v(brokers);
    v(authorized_operations);
  }
};

}  // namespace penstock::protocol
