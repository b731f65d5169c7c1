#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// OffsetCommit (key 8), versions 2-10. v2-4 a retention time, v6 leader epoch, v7 static members, v8 flexible, v9 as v8 (KIP-848), v10 topic ids.
struct OffsetCommitRequest {
  struct Partition {
    std::int32_t index = 0;
    Offset offset;
    std::int32_t leader_epoch = -1;
    std::optional<std::string_view> metadata;
    template <class V>
    void fields(V& v) {
      v(index);
      v(offset);
      v(leader_epoch, since(6));
      v(metadata);
    }
  };
  struct Topic {
    std::string_view name;
    Uuid id;
    std::vector<Partition> partitions;
    template <class V>
    void fields(V& v) {
      v(name, until(9));
      v(id, since(10));
      v(partitions);
    }
  };
  std::string_view group_id;
  std::int32_t generation = -1;
  std::string_view member_id;
  std::optional<std::string_view> instance_id;
  std::int64_t retention_ms = -1;
  std::vector<Topic> topics;
  template <class V>
  void fields(V& v) {
    v(group_id);
    v(generation);
    v(member_id);
    v(instance_id, since(7));
    v(retention_ms, until(4));
    v(topics);
  }
};

struct OffsetCommitResponse {
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
    Uuid id;
    std::vector<Partition> partitions;
    template <class V>
    void fields(V& v) {
      v(name, until(9));
      v(id, since(10));
      v(partitions);
    }
  };
  std::int32_t throttle_ms = 0;
  std::vector<Topic> topics;
  template <class V>
  void fields(V& v) {
    v(throttle_ms, since(3));
    v(topics);
  }
};

}  // namespace penstock::protocol
