#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/ids.h"
#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

// ListTransactions (key 66), versions 0-2 (KIP-664). v1 duration filter (KIP-994), v2 pattern of
// the transactional id (KIP-1152).
namespace penstock::protocol {

struct ListTransactionsRequest {
  std::vector<std::string_view> states;
  std::vector<std::int64_t> producer_ids;
  std::int64_t duration_ms = -1;
  std::optional<std::string_view> pattern;
  template <class V>
  void fields(V& v) {
    v(states);
    v(producer_ids);
    v(duration_ms, since(1));
    v(pattern, since(2));
  }
};

struct ListTransactionsResponse {
  struct Transaction {
    std::string transactional_id;
    ProducerId producer_id{-1};
    std::string state;
    template <class V>
    void fields(V& v) {
      v(transactional_id);
      v(producer_id);
      v(state);
    }
  };
  std::int32_t throttle_ms = 0;
  ErrorCode error = ErrorCode::kNone;
  std::vector<std::string> unknown_states;
  std::vector<Transaction> transactions;
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(error);
    v(unknown_states);
    v(transactions);
  }
};

}  // namespace penstock::protocol
