#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// CreateTopics (key 19), versions 2-7. v4 -1 for broker defaults (KIP-464), v5 flexible and the
// topic's settings in the answer (KIP-525), v7 topic id (KIP-516).
struct CreateTopicsRequest {
  struct Assignment {
    std::int32_t partition = 0;
    std::vector<std::int32_t> brokers;
    template <class V>
    void fields(V& v) {
      v(partition);
      v(brokers);
    }
  };
  struct Config {
    std::string_view name;
    std::optional<std::string_view> value;
    template <class V>
    void fields(V& v) {
      v(name);
      v(value);
    }
  };
  struct Topic {
    std::string_view name;
    std::int32_t partitions = -1;
    std::int16_t replication_factor = -1;
    std::vector<Assignment> assignments;
    std::vector<Config> configs;
    template <class V>
    void fields(V& v) {
      v(name);
      v(partitions);
      v(replication_factor);
      v(assignments);
      v(configs);
    }
  };
  std::vector<Topic> topics;
  std::int32_t timeout_ms = 60'000;
  bool validate_only = false;
  template <class V>
  void fields(V& v) {
    v(topics);
    v(timeout_ms);
    v(validate_only, since(1));
  }
};

struct CreateTopicsResponse {
  struct Config {
    std::string name;
    std::optional<std::string> value;
    bool read_only = false;
    std::int8_t source = -1;
    bool sensitive = false;
    template <class V>
    void fields(V& v) {
      v(name);
      v(value);
      v(read_only);
      v(source);
      v(sensitive);
    }
  };
  struct Topic {
    std::string name;
    Uuid id;
    ErrorCode error = ErrorCode::kNone;
    std::optional<std::string> message;
    std::int16_t config_error = 0;
    std::int32_t partitions = -1;
    std::int16_t replication_factor = -1;
    std::optional<std::vector<Config>> configs;
    template <class V>
    void fields(V& v) {
      v(name);
      v(id, since(7));
      v(error);
      v(message, since(1));
      v(partitions, since(5));
      v(replication_factor, since(5));
      v(configs, since(5));
      v.tagged(0, config_error, since(5));
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
