#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/ids.h"
#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

// TxnOffsetCommit (key 28), versions 0-5. v2 leader epoch, v3 flexible, member and generation
// (KIP-447), v4 TRANSACTION_ABORTABLE, v5 adds the group to the transaction by itself (KIP-890).
namespace penstock::protocol {

struct TxnOffsetCommitRequest {
  struct Partition {
    std::int32_t index = 0;
    Offset offset;
    std::int32_t leader_epoch = -1;
    std::optional<std::string_view> metadata;
    template <class V>
    void fields(V& v) {
      v(index);
      v(offset);
      v(leader_epoch, since(2));
      v(metadata);
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
  std::string_view transactional_id;
  std::string_view group_id;
  ProducerId producer_id{-1};
  ProducerEpoch producer_epoch{-1};
  std::int32_t generation = -1;
  std::string_view member_id;
  std::optional<std::string_view> instance_id;
  std::vector<Topic> topics;
  template <class V>
  void fields(V& v) {
    v(transactional_id);
    v(group_id);
    v(producer_id);
    v(producer_epoch);
    v(generation, since(3));
    v(member_id, since(3));
    v(instance_id, since(3));
    v(topics);
  }
};

struct TxnOffsetCommitResponse {
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
  std::int32_t throttle_ms = 0;
  std::vector<Topic> topics;
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(topics);
  }
};

}  // namespace penstock::protocol
