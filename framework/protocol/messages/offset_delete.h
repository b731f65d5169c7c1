#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// OffsetDelete (key 47), version 0 (KIP-496). Never flexible.
struct OffsetDeleteRequest {
  struct Partition {
    std::int32_t index = 0;
    template <class V>
    void fields(V& v) {
      v(index);
    }
  };
  struct Topic {
    std::string_view name;
    std::vector<Partition> partitions;
    template <class V>
    void fields(V& v) {
      v(name);
      v(partitions);
    }
  };
  std::string_view group_id;
  std::vector<Topic> topics;
  template <class V>
  void fields(V& v) {
    v(group_id);
    v(topics);
  }
};

struct OffsetDeleteResponse {
  struct Partition {
    std::int32_t index = 0;
    ErrorCode error = ErrorCode::kNone;
    template <class V>
    void fields(V& v) {
      v(index);
      v(error);
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
  ErrorCode error = ErrorCode::kNone;
  std::int32_t throttle_ms = 0;
  std::vector<Topic> topics;
  template <class V>
  void fields(V& v) {
    v(error);
    v(throttle_ms);
    v(topics);
  }
};

}  // namespace penstock::protocol
