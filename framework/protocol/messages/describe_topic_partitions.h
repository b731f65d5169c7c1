#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

/// Where a page begins.
template <class Text>
struct TopicPartitionCursor {
  Text topic;
  std::int32_t partition = 0;
  template <class V>
  void fields(V& v) {
    v(topic);
    v(partition);
  }
};

// DescribeTopicPartitions (key 75), version 0 (KIP-966): partitions in pages.
struct DescribeTopicPartitionsRequest {
  struct Topic {
    std::string_view name;
    template <class V>
    void fields(V& v) {
      v(name);
    }
  };
  using Cursor = TopicPartitionCursor<std::string_view>;
  std::vector<Topic> topics;  // empty: all
  std::int32_t partitions_max = 2000;
  std::optional<Cursor> cursor;  // where to go on
  template <class V>
  void fields(V& v) {
    v(topics);
    v(partitions_max);
    v(cursor);
  }
};

struct DescribeTopicPartitionsResponse {
  struct Partition {
    ErrorCode error = ErrorCode::kNone;
    PartitionId index{0};
    BrokerId leader{-1};
    LeaderEpoch leader_epoch{-1};
    std::vector<BrokerId> replicas;
    std::vector<BrokerId> in_sync;
    std::optional<std::vector<BrokerId>> eligible_leaders;
    std::optional<std::vector<BrokerId>> last_known_eligible;
    std::vector<BrokerId> offline;
    template <class V>
    void fields(V& v) {
      v(error);
      v(index);
      v(leader);
      v(leader_epoch);
      v(replicas);
      v(in_sync);
      v(eligible_leaders);
      v(last_known_eligible);
      v(offline);
    }
  };
  struct Topic {
    ErrorCode error = ErrorCode::kNone;
    std::optional<std::string> name;
    Uuid id;
    bool internal = false;
    std::vector<Partition> partitions;
    std::int32_t authorized_operations = INT32_MIN;
    template <class V>
    void fields(V& v) {
      v(error);
      v(name);
      v(id);
      v(internal);
      v(partitions);
      v(authorized_operations);
    }
  };
  using Cursor = TopicPartitionCursor<std::string>;
  std::int32_t throttle_ms = 0;
  std::vector<Topic> topics;
  std::optional<Cursor> next;
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(topics);
    v(next);
  }
};

}  // namespace penstock::protocol
