#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// ElectLeaders (key 43), versions 0-2 (KIP-183). v1 election type and an error of the whole answer
// (KIP-460), v2 flexible.
struct ElectLeadersRequest {
  struct Topic {
    std::string_view name;
    std::vector<std::int32_t> partitions;
    template <class V>
    void fields(V& v) {
      v(name);
      v(partitions);
    }
  };
  std::int8_t election_type = 0;             // 0 preferred, 1 unclean
  std::optional<std::vector<Topic>> topics;  // null: all partitions
  std::int32_t timeout_ms = 60'000;
  template <class V>
  void fields(V& v) {
    v(election_type, since(1));
    v(topics);
    v(timeout_ms);
  }
};

struct ElectLeadersResponse {
  struct Partition {
    std::int32_t index = 0;
    ErrorCode error = ErrorCode::kNone;
    std::optional<std::string> message;
    template <class V>
    void fields(V& v) {
      v(index);
      v(error);
      v(message);
    }
  };
  struct Topic {
    std::string name;
    std::vector<Partition> partitions;
    template <class V>
    void fields(V& v) {
      v(name);
      v(partitions);
    }
  };
  std::int32_t throttle_ms = 0;
  ErrorCode error = ErrorCode::kNone;
  std::vector<Topic> topics;
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(error, since(1));
    v(topics);
  }
};

}  // namespace penstock::protocol
