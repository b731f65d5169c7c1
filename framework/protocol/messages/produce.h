#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/ids.h"
#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

// Produce (key 0), versions 0-13. v3 transactional id and record batches v2; v5 log start offset;
// v7 zstd; v8 record errors and error text (KIP-467); v9 flexible; v10 where the leader is
// (KIP-951); v11 TRANSACTION_ABORTABLE, v12 adds partitions to the transaction (KIP-890); v13 topic
// ids (KIP-516). Versions 0 to 2 are here only so that they can be refused in their own words.
namespace penstock::protocol {

struct ProduceRequest {
  struct Partition {
    PartitionId index;
    std::optional<ByteView> records;
    template <class V>
    void fields(V& v) {
      v(index);
      v(records);
    }
  };
  struct Topic {
    std::string_view name;
    Uuid id;
    std::vector<Partition> partitions;
    template <class V>
    void fields(V& v) {
      v(name, until(12));
      v(id, since(13));
      v(partitions);
    }
  };
  std::optional<std::string_view> transactional_id;
  std::int16_t acks = 0;
  std::int32_t timeout_ms = 0;
  std::vector<Topic> topics;
  template <class V>
  void fields(V& v) {
    v(transactional_id, since(3));
    v(acks);
    v(timeout_ms);
    v(topics);
  }
};

struct ProduceResponse {
  struct RecordError {
    std::int32_t batch_index = 0;
    std::optional<std::string> text;
    template <class V>
    void fields(V& v) {
      v(batch_index);
      v(text);
    }
  };
  struct Leader {
    BrokerId id{-1};
    LeaderEpoch epoch{-1};
    bool operator==(const Leader&) const = default;
    template <class V>
    void fields(V& v) {
      v(id);
      v(epoch);
    }
  };
  struct Node {
    BrokerId id;
    std::string host;
    std::int32_t port = 0;
    std::optional<std::string> rack;
    template <class V>
    void fields(V& v) {
      v(id);
      v(host);
      v(port);
      v(rack);
    }
  };
  struct Partition {
    PartitionId index;
    ErrorCode error{};
    Offset base_offset = Offset::kNone;
    std::int64_t log_append_time_ms = -1;
    Offset log_start = Offset::kNone;
    std::vector<RecordError> record_errors;
    std::optional<std::string> error_text;
    Leader leader;
    template <class V>
    void fields(V& v) {
      v(index);
      v(error);
      v(base_offset);
      v(log_append_time_ms, since(2));
      v(log_start, since(5));
      v(record_errors, since(8));
      v(error_text, since(8));
      v.tagged(0, leader, since(10));
    }
  };
  struct Topic {
    std::string name;
    Uuid id;
    std::vector<Partition> partitions;
    template <class V>
    void fields(V& v) {
      v(name, until(12));
      v(id, since(13));
      v(partitions);
    }
  };
  std::vector<Topic> topics;
  std::int32_t throttle_ms = 0;
  std::vector<Node> nodes;
  template <class V>
  void fields(V& v) {
    v(topics);
    v(throttle_ms, since(1));
    v.tagged(0, nodes, since(10));
  }
};

}  // namespace penstock::protocol
