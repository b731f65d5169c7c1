#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// ConsumerGroupDescribe (key 69), versions 0-1, all flexible (KIP-848). v1 the type of a member
// (KIP-1099).
struct ConsumerGroupDescribeRequest {
  std::vector<std::string_view> groups;
  bool include_authorized_operations = false;
  template <class V>
  void fields(V& v) {
    v(groups);
    v(include_authorized_operations);
  }
};

struct ConsumerGroupDescribeResponse {
  struct TopicPartitions {
    Uuid topic_id;
    std::string topic;
    std::vector<std::int32_t> partitions;
    template <class V>
    void fields(V& v) {
      v(topic_id);
      v(topic);
      v(partitions);
    }
  };
  struct Assignment {
    std::vector<TopicPartitions> partitions;
    template <class V>
    void fields(V& v) {
      v(partitions);
    }
  };
  struct Member {
    std::string id;
    std::optional<std::string> instance_id;
    std::optional<std::string> rack_id;
    std::int32_t epoch = 0;
    std::string client_id;
    std::string client_host;
    std::vector<std::string> topics;
    std::optional<std::string> regex;
    Assignment assignment;
    Assignment target;
    std::int8_t type = -1;  // 0: classic, 1: consumer
    template <class V>
    void fields(V& v) {
      v(id);
      v(instance_id);
      v(rack_id);
      v(epoch);
      v(client_id);
      v(client_host);
      v(topics);
      v(regex);
      v(assignment);
      v(target);
      v(type, since(1));
    }
  };
  struct Group {
    ErrorCode error = ErrorCode::kNone;
    std::optional<std::string> message;
    std::string id;
    std::string state;
    std::int32_t epoch = 0;
    std::int32_t assignment_epoch = 0;
    std::string assignor;
    std::vector<Member> members;
    std::int32_t authorized_operations = INT32_MIN;
    template <class V>
    void fields(V& v) {
      v(error);
      v(message);
      v(id);
      v(state);
      v(epoch);
      v(assignment_epoch);
      v(assignor);
      v(members);
      v(authorized_operations);
    }
  };
  std::int32_t throttle_ms = 0;
  std::vector<Group> groups;
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(groups);
  }
};

}  // namespace penstock::protocol
