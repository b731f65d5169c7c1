#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/ids.h"
#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

// AddOffsetsToTxn (key 25), versions 0-4. v2 PRODUCER_FENCED (KIP-588), v3 flexible, v4
// TRANSACTION_ABORTABLE (KIP-890).
namespace penstock::protocol {

struct AddOffsetsToTxnRequest {
  std::string_view transactional_id;
  ProducerId producer_id{-1};
  ProducerEpoch producer_epoch{-1};
  std::string_view group_id;
  template <class V>
  void fields(V& v) {
    v(transactional_id);
    v(producer_id);
    v(producer_epoch);
    v(group_id);
  }
};

struct AddOffsetsToTxnResponse {
  std::int32_t throttle_ms = 0;
  ErrorCode error = ErrorCode::kNone;
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(error);
  }
};

}  // namespace penstock::protocol
