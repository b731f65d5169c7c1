#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// CreatePartitions (key 37), versions 0-3. v2 flexible.
struct CreatePartitionsRequest {
  struct Assignment {
    std::vector<std::int32_t> brokers;
    template <class V>
    void fields(V& v) {
      v(brokers);
    }
  };
  struct Topic {
    std::string_view name;
    std::int32_t count = 0;
    std::optional<std::vector<Assignment>> assignments;
    template <class V>
    void fields(V& v) {
      v(name);
      v(count);
      v(assignments);
    }
  };
  std::vector<Topic> topics;
  std::int32_t timeout_ms = 0;
  bool validate_only = false;
  template <class V>
  void fields(V& v) {
    v(topics);
    v(timeout_ms);
    v(validate_only);
  }
};

struct CreatePartitionsResponse {
  struct Topic {
    std::string name;
    ErrorCode error = ErrorCode::kNone;
    std::optional<std::string> message;
    template <class V>
    void fields(V& v) {
      v(name);
      v(error);
      v(message);
    }
  };
  std::int32_t throttle_ms = 0;
  std::vector<Topic> topics;
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(topics);
  }
};

}  // namespace penstock::protocol
