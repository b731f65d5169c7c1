#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/ids.h"
#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

// AddPartitionsToTxn (key 24), versions 0-5. v2 PRODUCER_FENCED (KIP-588), v3 flexible, v4 many
// transactions and verify-only, from brokers (KIP-890), v5 TRANSACTION_ABORTABLE.
namespace penstock::protocol {

struct AddPartitionsToTxnRequest {
  struct Topic {
    std::string_view name;
    std::vector<std::int32_t> partitions;
    template <class V>
    void fields(V& v) {
      v(name);
      v(partitions);
    }
  };
  struct Transaction {
    std::string_view transactional_id;
    ProducerId producer_id{-1};
    ProducerEpoch producer_epoch{-1};
    bool verify_only = false;
    std::vector<Topic> topics;
    template <class V>
    void fields(V& v) {
      v(transactional_id);
      v(producer_id);
      v(producer_epoch);
      v(verify_only);
      v(topics);
    }
  };
  std::vector<Transaction> transactions;
  std::string_view transactional_id;
  ProducerId producer_id{-1};
  ProducerEpoch producer_epoch{-1};
  std::vector<Topic> topics;
  template <class V>
  void fields(V& v) {
    v(transactions, since(4));
    v(transactional_id, until(3));
    v(producer_id, until(3));
    v(producer_epoch, until(3));
    v(topics, until(3));
  }
};

struct AddPartitionsToTxnResponse {
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
  struct Transaction {
    std::string transactional_id;
    std::vector<Topic> topics;
    template <class V>
    void fields(V& v) {
      v(transactional_id);
      v(topics);
    }
  };
  std::int32_t throttle_ms = 0;
  ErrorCode error = ErrorCode::kNone;
  std::vector<Transaction> transactions;
  std::vector<Topic> topics;
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(error, since(4));
    v(transactions, since(4));
    v(topics, until(3));
  }
};

}  // namespace penstock::protocol
