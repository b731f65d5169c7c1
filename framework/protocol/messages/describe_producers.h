#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/ids.h"
#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

// DescribeProducers (key 61), version 0 (KIP-664).
namespace penstock::protocol {

struct DescribeProducersRequest {
  struct Topic {
    std::string_view name;
    std::vector<std::int32_t> partitions;
    template <class V>
    void fields(V& v) {
      v(name);
      v(partitions);
    }
  };
  std::vector<Topic> topics;
  template <class V>
  void fields(V& v) {
    v(topics);
  }
};

struct DescribeProducersResponse {
  struct Producer {
    ProducerId producer_id{-1};
    std::int32_t producer_epoch = -1;
    std::int32_t last_sequence = -1;
    std::int64_t last_timestamp_ms = -1;
    std::int32_t coordinator_epoch = -1;
    Offset transaction_first = Offset::kNone;
    template <class V>
    void fields(V& v) {
      v(producer_id);
      v(producer_epoch);
      v(last_sequence);
      v(last_timestamp_ms);
      v(coordinator_epoch);
      v(transaction_first);
    }
  };
  struct Partition {
    std::int32_t index = 0;
    ErrorCode error = ErrorCode::kNone;
    std::optional<std::string> error_text;
    std::vector<Producer> producers;
    template <class V>
    void fields(V& v) {
      v(index);
      v(error);
      v(error_text);
      v(producers);
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
