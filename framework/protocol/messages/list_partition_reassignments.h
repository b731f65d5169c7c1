#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// ListPartitionReassignments (key 46), version 0 (KIP-455).
struct ListPartitionReassignmentsRequest {
  struct Topic {
    std::string_view name;
    std::vector<std::int32_t> partitions;
    template <class V>
    void fields(V& v) {
      v(name);
      v(partitions);
    }
  };
  std::int32_t timeout_ms = 60'000;
  std::optional<std::vector<Topic>> topics;  // null: all
  template <class V>
  void fields(V& v) {
    v(timeout_ms);
    v(topics);
  }
};

struct ListPartitionReassignmentsResponse {
  struct Partition {
    std::int32_t index = 0;
    std::vector<std::int32_t> replicas;
    std::vector<std::int32_t> adding;
    std::vector<std::int32_t> removing;
    template <class V>
    void fields(V& v) {
      v(index);
      v(replicas);
      v(adding);
      v(removing);
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
  std::optional<std::string> message;
  std::vector<Topic> topics;
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(error);
    v(message);
    v(topics);
  }
};

}  // namespace penstock::protocol
