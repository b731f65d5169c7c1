#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/ids.h"
#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

// EndTxn (key 26), versions 0-5. v2 PRODUCER_FENCED (KIP-588), v3 flexible, v4
// TRANSACTION_ABORTABLE, v5 a new epoch with every end (KIP-890).
namespace penstock::protocol {

struct EndTxnRequest {
  std::string_view transactional_id;
  ProducerId producer_id{-1};
  ProducerEpoch producer_epoch{-1};
  bool committed = false;
  template <class V>
  void fields(V& v) {
    v(transactional_id);
    v(producer_id);
    v(producer_epoch);
    v(committed);
  }
};

struct EndTxnResponse {
  std::int32_t throttle_ms = 0;
  ErrorCode error = ErrorCode::kNone;
  ProducerId producer_id{-1};
  ProducerEpoch producer_epoch{-1};
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(error);
    v(producer_id, since(5));
    v(producer_epoch, since(5));
  }
};

}  // namespace penstock::protocol
