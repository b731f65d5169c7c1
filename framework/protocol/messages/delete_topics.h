#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// DeleteTopics (key 20), versions 1-6. v4 flexible, v5 error text, v6 by name or topic id
// (KIP-516).
struct DeleteTopicsRequest {
  struct Topic {
    std::optional<std::string_view> name;
    Uuid id;
    template <class V>
    void fields(V& v) {
      v(name);
      v(id);
    }
  };
  std::vector<Topic> topics;
  std::vector<std::string_view> names;
  std::int32_t timeout_ms = 0;
  template <class V>
  void fields(V& v) {
    v(topics, since(6));
    v(names, until(5));
    v(timeout_ms);
  }
};

struct DeleteTopicsResponse {
  struct Topic {
    std::optional<std::string> name;  // null only from v6 on
    Uuid id;
    ErrorCode error = ErrorCode::kNone;
    std::optional<std::string> message;
    template <class V>
    void fields(V& v) {
      v(name);
      v(id, since(6));
      v(error);
      v(message, since(5));
    }
  };
  std::int32_t throttle_ms = 0;
  std::vector<Topic> topics;
  template <class V>
  void fields(V& v) {
    v(throttle_ms, since(1));
    v(topics);
  }
};

}  // namespace penstock::protocol
