#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// ConsumerGroupHeartbeat (key 68), versions 0-1, all flexible (KIP-848). v1 a regular expression,
// and member ids that the client makes (KIP-1082). What is null is as in the last heartbeat.
struct ConsumerGroupTopicPartitions {
  Uuid topic_id;
  std::vector<std::int32_t> partitions;
  template <class V>
  void fields(V& v) {
    v(topic_id);
    v(partitions);
  }
};

struct ConsumerGroupHeartbeatRequest {
  std::string_view group_id;
  std::string_view member_id;
  std::int32_t member_epoch = 0;
  std::optional<std::string_view> instance_id;
  std::optional<std::string_view> rack_id;
  std::int32_t rebalance_timeout_ms = -1;
  std::optional<std::vector<std::string_view>> topics;
  std::optional<std::string_view> regex;
  std::optional<std::string_view> assignor;
  std::optional<std::vector<ConsumerGroupTopicPartitions>> owned;
  template <class V>
  void fields(V& v) {
    v(group_id);
    v(member_id);
    v(member_epoch);
    v(instance_id);
    v(rack_id);
    v(rebalance_timeout_ms);
    v(topics);
    v(regex, since(1));
    v(assignor);
    v(owned);
  }
};

struct ConsumerGroupHeartbeatResponse {
  struct Assignment {
    std::vector<ConsumerGroupTopicPartitions> partitions;
    template <class V>
    void fields(V& v) {
      v(partitions);
    }
  };
  std::int32_t throttle_ms = 0;
  ErrorCode error = ErrorCode::kNone;
  std::optional<std::string> message;
  std::optional<std::string> member_id;
  std::int32_t member_epoch = 0;
  std::int32_t heartbeat_interval_ms = 0;
  std::optional<Assignment> assignment;
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(error);
    v(message);
    v(member_id);
    v(member_epoch);
    v(heartbeat_interval_ms);
    v(assignment);
  }
};

}  // namespace penstock::protocol
