#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// AlterPartitionReassignments (key 45), versions 0-1 (KIP-455). v1 may forbid another replication
// factor (KIP-860).
struct AlterPartitionReassignmentsRequest {
  struct Partition {
    std::int32_t index = 0;
    std::optional<std::vector<std::int32_t>> replicas;  // null: cancel
    template <class V>
    void fields(V& v) {
      v(index);
      v(replicas);
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
  std::int32_t timeout_ms = 60'000;
  bool allow_factor_change = true;
  std::vector<Topic> topics;
  template <class V>
  void fields(V& v) {
    v(timeout_ms);
    v(allow_factor_change, since(1));
    v(topics);
  }
};

struct AlterPartitionReassignmentsResponse {
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
  bool allow_factor_change = true;
  ErrorCode error = ErrorCode::kNone;
  std::optional<std::string> message;
  std::vector<Topic> topics;
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(allow_factor_change, since(1));
    v(error);
    v(message);
    v(topics);
  }
};

}  // namespace penstock::protocol
