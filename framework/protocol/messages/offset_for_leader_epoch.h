#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/ids.h"
#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

// OffsetForLeaderEpoch (key 23), versions 2-4. v2 current leader epoch (KIP-320); v3 replica id; v4
// flexible.
namespace penstock::protocol {

struct OffsetForLeaderEpochRequest {
  struct Partition {
    PartitionId index;
    LeaderEpoch current_leader_epoch{-1};
    LeaderEpoch leader_epoch;
    template <class V>
    void fields(V& v) {
      v(index);
      v(current_leader_epoch);
      v(leader_epoch);
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
  BrokerId replica{-2};
  std::vector<Topic> topics;
  template <class V>
  void fields(V& v) {
    v(replica, since(3));
    v(topics);
  }
};

struct OffsetForLeaderEpochResponse {
  struct Partition {
    ErrorCode error{};
    PartitionId index;
    LeaderEpoch leader_epoch{-1};
    Offset end_offset = Offset::kNone;
    template <class V>
    void fields(V& v) {
      v(error);
      v(index);
      v(leader_epoch);
      v(end_offset);
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
