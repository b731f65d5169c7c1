#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/ids.h"
#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

// DescribeTransactions (key 65), version 0 (KIP-664).
namespace penstock::protocol {

struct DescribeTransactionsRequest {
  std::vector<std::string_view> transactional_ids;
  template <class V>
  void fields(V& v) {
    v(transactional_ids);
  }
};

struct DescribeTransactionsResponse {
  struct Topic {
    std::string name;
    std::vector<std::int32_t> partitions;
    template <class V>
    void fields(V& v) {
      v(name);
      v(partitions);
    }
  };
  struct Transaction {
    ErrorCode error = ErrorCode::kNone;
    std::string transactional_id;
    std::string state;
    std::int32_t timeout_ms = 0;
    std::int64_t start_ms = 0;
    ProducerId producer_id{0};
    ProducerEpoch producer_epoch{0};
    std::vector<Topic> topics;
    template <class V>
    void fields(V& v) {
      v(error);
      v(transactional_id);
      v(state);
      v(timeout_ms);
      v(start_ms);
      v(producer_id);
      v(producer_epoch);
      v(topics);
    }
  };
  std::int32_t throttle_ms = 0;
  std::vector<Transaction> transactions;
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(transactions);
  }
};

}  // namespace penstock::protocol
