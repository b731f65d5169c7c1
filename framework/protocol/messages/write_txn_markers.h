#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/ids.h"
#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

// WriteTxnMarkers (key 27), versions 1-2. v1 flexible, v2 transaction version (KIP-1228).
namespace penstock::protocol {

struct WriteTxnMarkersRequest {
  struct Topic {
    std::string_view name;
    std::vector<std::int32_t> partitions;
    template <class V>
    void fields(V& v) {
      v(name);
      v(partitions);
    }
  };
  struct Marker {
    ProducerId producer_id{-1};
    ProducerEpoch producer_epoch{-1};
    bool committed = false;
    std::vector<Topic> topics;
    std::int32_t coordinator_epoch = 0;
    std::int8_t transaction_version = 0;
    template <class V>
    void fields(V& v) {
      v(producer_id);
      v(producer_epoch);
      v(committed);
      v(topics);
      v(coordinator_epoch);
      v(transaction_version, since(2));
    }
  };
  std::vector<Marker> markers;
  template <class V>
  void fields(V& v) {
    v(markers);
  }
};

struct WriteTxnMarkersResponse {
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
  struct Marker {
    ProducerId producer_id{-1};
    std::vector<Topic> topics;
    template <class V>
    void fields(V& v) {
      v(producer_id);
      v(topics);
    }
  };
  std::vector<Marker> markers;
  template <class V>
  void fields(V& v) {
    v(markers);
  }
};

}  // namespace penstock::protocol
