#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// DeleteRecords (key 21), versions 0-2. v2 flexible.
struct DeleteRecordsRequest {
  struct Partition {
    std::int32_t index = 0;
    Offset offset;  // -1: the high watermark
    template <class V>
    void fields(V& v) {
      v(index);
      v(offset);
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
  std::vector<Topic> topics;
  std::int32_t timeout_ms = 0;
  template <class V>
  void fields(V& v) {
    v(topics);
    v(timeout_ms);
  }
};

struct DeleteRecordsResponse {
  struct Partition {
    std::int32_t index = 0;
    Offset low_watermark = Offset::kNone;
    ErrorCode error = ErrorCode::kNone;
    template <class V>
    void fields(V& v) {
      v(index);
      v(low_watermark);
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
  std::int32_t throttle_ms = 0;
  std::vector<Topic> topics;
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(topics);
  }
};

}  // namespace penstock::protocol
