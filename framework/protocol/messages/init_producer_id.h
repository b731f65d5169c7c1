#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/ids.h"
#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

// InitProducerId (key 22), versions 0-5. v2 flexible; v3 producer id and epoch to go on with
// (KIP-360); v4 PRODUCER_FENCED (KIP-588); v5 TRANSACTION_ABORTABLE (KIP-890). Left out: v6
// (two-phase commit), which Kafka 4.3 does not advertise either.
namespace penstock::protocol {

struct InitProducerIdRequest {
  std::optional<std::string_view> transactional_id;
  std::int32_t transaction_timeout_ms = 0;
  ProducerId producer_id{-1};
  ProducerEpoch producer_epoch{-1};
  template <class V>
  void fields(V& v) {
    v(transactional_id);
    v(transaction_timeout_ms);
    v(producer_id, since(3));
    v(producer_epoch, since(3));
  }
};

struct InitProducerIdResponse {
  std::int32_t throttle_ms = 0;
  ErrorCode error{};
  ProducerId producer_id{-1};
  ProducerEpoch producer_epoch{-1};
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(error);
    v(producer_id);
    v(producer_epoch);
  }
};

}  // namespace penstock::protocol
