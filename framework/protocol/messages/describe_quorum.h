#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/ids.h"
#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// DescribeQuorum (key 55), versions 0-2 (KIP-595). v1 times of voters (KIP-836), v2 error texts,
// directory ids and the voters' endpoints (KIP-853).
struct DescribeQuorumRequest {
  struct Partition {
    std::int32_t index = 0;
    template <class V>
    void fields(V& v) {
      v(index);
    }
  };
  struct Topic {
    std::string_view name;
    std::vector<Partition> partitions;
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

struct DescribeQuorumResponse {
  struct Replica {
    std::int32_t id = 0;
    Uuid directory_id;
    std::int64_t log_end_offset = 0;
    std::int64_t last_fetch_ms = -1;      // wall
    std::int64_t last_caught_up_ms = -1;  // wall
    template <class V>
    void fields(V& v) {
      v(id);
      v(directory_id, since(2));
      v(log_end_offset);
      v(last_fetch_ms, since(1));
      v(last_caught_up_ms, since(1));
    }
  };
  struct Partition {
    std::int32_t index = 0;
    ErrorCode error = ErrorCode::kNone;
    std::optional<std::string> error_text;
    std::int32_t leader_id = 0;
    std::int32_t leader_epoch = 0;
    std::int64_t high_watermark = 0;
    std::vector<Replica> voters;
    std::vector<Replica> observers;
    template <class V>
    void fields(V& v) {
      v(index);
      v(error);
      v(error_text, since(2));
      v(leader_id);
      v(leader_epoch);
      v(high_watermark);
      v(voters);
      v(observers);
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
  struct Listener {
    std::string name;
    std::string host;
    std::uint16_t port = 0;
    template <class V>
    void fields(V& v) {
      v(name);
      v(host);
      v(port);
    }
  };
  struct Node {
    std::int32_t id = 0;
    std::vector<Listener> listeners;
    template <class V>
    void fields(V& v) {
      v(id);
      v(listeners);
    }
  };
  ErrorCode error = ErrorCode::kNone;
  std::optional<std::string> error_text;
  std::vector<Topic> topics;
  std::vector<Node> nodes;
  template <class V>
  void fields(V& v) {
    v(error);
    v(error_text, since(2));
    v(topics);
    v(nodes, since(2));
  }
};

}  // namespace penstock::protocol
