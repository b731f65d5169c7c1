#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/ids.h"
#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

// ListOffsets (key 2), versions 1-11. v2 isolation level and throttle time; v4 leader epoch
// (KIP-320); v6 flexible; v7 largest timestamp (KIP-734); v8 earliest local offset (KIP-405); v9
// last tiered offset (KIP-1005); v10 timeout (KIP-1075); v11 earliest pending upload (KIP-1023).
// Version 0 (several offsets a partition) is left out.
namespace penstock::protocol {

struct ListOffsetsRequest {
  static constexpr std::int64_t kLatest = -1;
  static constexpr std::int64_t kEarliest = -2;
  static constexpr std::int64_t kMaxTimestamp = -3;
  static constexpr std::int64_t kEarliestLocal = -4;
  static constexpr std::int64_t kLatestTiered = -5;
  static constexpr std::int64_t kEarliestPendingUpload = -6;
  struct Partition {
    PartitionId index;
    LeaderEpoch current_leader_epoch{-1};
    std::int64_t timestamp_ms = 0;
    template <class V>
    void fields(V& v) {
      v(index);
      v(current_leader_epoch, since(4));
      v(timestamp_ms);
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
  BrokerId replica{-1};
  std::int8_t isolation_level = 0;
  std::vector<Topic> topics;
  std::int32_t timeout_ms = 0;
  template <class V>
  void fields(V& v) {
    v(replica);
    v(isolation_level, since(2));
    v(topics);
    v(timeout_ms, since(10));
  }
};

struct ListOffsetsResponse {
  struct Partition {
    PartitionId index;
    ErrorCode error{};
    std::int64_t timestamp_ms = -1;
    Offset offset = Offset::kNone;
    LeaderEpoch leader_epoch{-1};
    template <class V>
    void fields(V& v) {
      v(index);
      v(error);
      v(timestamp_ms);
      v(offset);
      v(leader_epoch, since(4));
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
    v(throttle_ms, since(2));
    v(topics);
  }
};

}  // namespace penstock::protocol
