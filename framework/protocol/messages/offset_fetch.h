#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// OffsetFetch (key 9), versions 1-10. v2 all topics (null) and a group error, v5 leader epoch, v6
// flexible, v7 require_stable (KIP-447), v8 many groups (KIP-709), v9 member id and epoch (KIP-848;
// classic groups do not look at them), v10 topic ids.
struct OffsetFetchRequest {
  struct Topic {
    std::string_view name;
    Uuid id;
    std::vector<std::int32_t> partitions;
    template <class V>
    void fields(V& v) {
      v(name, until(9));
      v(id, since(10));
      v(partitions);
    }
  };
  struct Group {
    std::string_view id;
    std::optional<std::string_view> member_id;
    std::int32_t member_epoch = -1;
    std::optional<std::vector<Topic>> topics;
    template <class V>
    void fields(V& v) {
      v(id);
      v(member_id, since(9));
      v(member_epoch, since(9));
      v(topics);
    }
  };
  std::string_view group_id;
  std::optional<std::vector<Topic>> topics;
  std::vector<Group> groups;
  bool require_stable = false;
  template <class V>
  void fields(V& v) {
    v(group_id, until(7));
    v(topics, until(7));
    v(groups, since(8));
    v(require_stable, since(7));
  }
};

struct OffsetFetchResponse {
  struct Partition {
    std::int32_t index = 0;
    Offset offset = Offset::kNone;
    std::int32_t leader_epoch = -1;
    std::optional<std::string> metadata;
    ErrorCode error = ErrorCode::kNone;
    template <class V>
    void fields(V& v) {
      v(index);
      v(offset);
      v(leader_epoch, since(5));
      v(metadata);
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
  struct Group {
    std::string id;
    std::vector<Topic> topics;
    ErrorCode error = ErrorCode::kNone;
    template <class V>
    void fields(V& v) {
      v(id);
      v(topics);
      v(error);
    }
  };
  std::int32_t throttle_ms = 0;
  std::vector<Topic> topics;
  ErrorCode error = ErrorCode::kNone;
  std::vector<Group> groups;
  template <class V>
  void fields(V& v) {
    v(throttle_ms, since(3));
    v(topics, until(7));
    v(error, between(2, 7));
    v(groups, since(8));
  }
};

}  // namespace penstock::protocol
