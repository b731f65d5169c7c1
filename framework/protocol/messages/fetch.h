#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/ids.h"
#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

// Fetch (key 1), versions 4-18. v4 isolation level; v5 log start offset; v7 sessions (KIP-227); v9
// leader epoch (KIP-320); v10 zstd; v11 rack (KIP-392); v12 flexible, last fetched epoch and
// diverging epoch (KIP-595); v13 topic ids instead of names (KIP-516); v15 replica state (KIP-903);
// v16 node endpoints (KIP-951). Left out, as only followers say it, in tagged fields: directory id
// (v17, KIP-853) and high watermark (v18, KIP-1166).
namespace penstock::protocol {

struct FetchRequest {
  struct Partition {
    PartitionId index;
    LeaderEpoch current_leader_epoch{-1};
    Offset offset;
    LeaderEpoch last_fetched_epoch{-1};
    Offset log_start = Offset::kNone;  // of a follower
    std::int32_t bytes_max = 0;
    template <class V>
    void fields(V& v) {
      v(index);
      v(current_leader_epoch, since(9));
      v(offset);
      v(last_fetched_epoch, since(12));
      v(log_start, since(5));
      v(bytes_max);
    }
  };
  struct Topic {
    std::string_view name;
    Uuid id;
    std::vector<Partition> partitions;
    template <class V>
    void fields(V& v) {
      v(name, until(12));
      v(id, since(13));
      v(partitions);
    }
  };
  struct Forgotten {
    std::string_view name;
    Uuid id;
    std::vector<PartitionId> partitions;
    template <class V>
    void fields(V& v) {
      v(name, until(12));
      v(id, since(13));
      v(partitions);
    }
  };
  struct Replica {
    BrokerId id{-1};
    std::int64_t epoch = -1;
    bool operator==(const Replica&) const = default;
    template <class V>
    void fields(V& v) {
      v(id);
      v(epoch);
    }
  };
  BrokerId replica{-1};
  std::int32_t wait_ms_max = 0;
  std::int32_t bytes_min = 0;
  std::int32_t bytes_max = 2147483647;
  std::int8_t isolation_level = 0;  // 1: read committed
  std::int32_t session_id = 0;
  std::int32_t session_epoch = -1;
  std::vector<Topic> topics;
  std::vector<Forgotten> forgotten;
  std::string_view rack;
  std::optional<std::string_view> cluster_id;
  Replica replica_state;
  template <class V>
  void fields(V& v) {
    v(replica, until(14));
    v(wait_ms_max);
    v(bytes_min);
    v(bytes_max);
    v(isolation_level);
    v(session_id, since(7));
    v(session_epoch, since(7));
    v(topics);
    v(forgotten, since(7));
    v(rack, since(11));
    v.tagged(0, cluster_id, since(12));
    v.tagged(1, replica_state, since(15));
  }
};

struct FetchResponse {
  struct EpochEnd {
    LeaderEpoch epoch{-1};
    Offset end = Offset::kNone;
    bool operator==(const EpochEnd&) const = default;
    template <class V>
    void fields(V& v) {
      v(epoch);
      v(end);
    }
  };
  struct Leader {
    BrokerId id{-1};
    LeaderEpoch epoch{-1};
    bool operator==(const Leader&) const = default;
    template <class V>
    void fields(V& v) {
      v(id);
      v(epoch);
    }
  };
  struct Aborted {
    ProducerId producer_id;
    Offset first;
    template <class V>
    void fields(V& v) {
      v(producer_id);
      v(first);
    }
  };
  struct Partition {
    PartitionId index;
    ErrorCode error{};
    Offset high_watermark = Offset::kNone;
    Offset last_stable = Offset::kNone;
    Offset log_start = Offset::kNone;
    std::optional<std::vector<Aborted>> aborted;
    BrokerId preferred_replica{-1};
    std::optional<ByteView> records;
    EpochEnd diverging;
    Leader leader;
    template <class V>
    void fields(V& v) {
      front(v);
      v(records);
      back(v);
    }
    /// What stands before the records' length, and behind the records, when they do not pass
    /// through the codec.
    template <class V>
    void front(V& v) {
      v(index);
      v(error);
      v(high_watermark);
      v(last_stable);
      v(log_start, since(5));
      v(aborted);
      v(preferred_replica, since(11));
    }
    template <class V>
    void back(V& v) {
      v.tagged(0, diverging, since(12));
      v.tagged(1, leader, since(12));
    }
  };
  struct Topic {
    std::string name;
    Uuid id;
    std::vector<Partition> partitions;
    template <class V>
    void fields(V& v) {
      front(v);
      v(partitions);
    }
    template <class V>
    void front(V& v) {
      v(name, until(12));
      v(id, since(13));
    }
  };
  struct Endpoint {
    BrokerId id;
    std::string host;
    std::int32_t port = 0;
    std::optional<std::string> rack;
    template <class V>
    void fields(V& v) {
      v(id);
      v(host);
      v(port);
      v(rack);
    }
  };
  std::int32_t throttle_ms = 0;
  ErrorCode error{};
  std::int32_t session_id = 0;
  std::vector<Topic> topics;
  std::vector<Endpoint> endpoints;  // of leaders that the partitions name
  template <class V>
  void fields(V& v) {
    front(v);
    v(topics);
    back(v);
  }
  template <class V>
  void front(V& v) {
    v(throttle_ms);
    v(error, since(7));
    v(session_id, since(7));
  }
  template <class V>
  void back(V& v) {
    v.tagged(0, endpoints, since(16));
  }
};

}  // namespace penstock::protocol
