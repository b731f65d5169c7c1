#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/ids.h"
#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

// Metadata (key 3), versions 0-13. v1 null asks for all, controller and internal flag; v2 cluster
// id; v3 throttle time; v4 auto creation; v5 offline replicas; v7 leader epoch (KIP-320); v8
// authorized operations (KIP-430); v9 flexible; v10 topic ids; v11 drops cluster operations; v12
// asks by id (KIP-516); v13 an error for the whole (KIP-1102).
namespace penstock::protocol {

inline constexpr std::int32_t kOperationsNotAsked = -2147483647 - 1;

struct MetadataRequest {
  struct Topic {
    Uuid id;
    std::optional<std::string_view> name;
    template <class V>
    void fields(V& v) {
      v(id, since(10));
      v(name);
    }
  };
  std::optional<std::vector<Topic>> topics;  // null: all; in version 0 an empty list is all
  bool allow_auto_topic_creation = true;
  bool include_cluster_operations = false;
  bool include_topic_operations = false;
  template <class V>
  void fields(V& v) {
    v(topics);
    v(allow_auto_topic_creation, since(4));
    v(include_cluster_operations, between(8, 10));
    v(include_topic_operations, since(8));
  }
};

struct MetadataResponse {
  struct Broker {
    BrokerId node_id;
    std::string host;
    std::int32_t port = 0;
    std::optional<std::string> rack;
    template <class V>
    void fields(V& v) {
      v(node_id);
      v(host);
      v(port);
      v(rack, since(1));
    }
  };
  struct Partition {
    ErrorCode error{};
    PartitionId index;
    BrokerId leader;
    LeaderEpoch leader_epoch{-1};
    std::vector<BrokerId> replicas;
    std::vector<BrokerId> in_sync;
    std::vector<BrokerId> offline;
    template <class V>
    void fields(V& v) {
      v(error);
      v(index);
      v(leader);
      v(leader_epoch, since(7));
      v(replicas);
      v(in_sync);
      v(offline, since(5));
    }
  };
  struct Topic {
    ErrorCode error{};
    std::optional<std::string> name;
    Uuid id;
    bool internal = false;
    std::vector<Partition> partitions;
    std::int32_t operations = kOperationsNotAsked;
    template <class V>
    void fields(V& v) {
      v(error);
      v(name);
      v(id, since(10));
      v(internal, since(1));
      v(partitions);
      v(operations, since(8));
    }
  };
  std::int32_t throttle_ms = 0;
  std::vector<Broker> brokers;
  std::optional<std::string> cluster_id;
  BrokerId controller{-1};
  std::vector<Topic> topics;
  std::int32_t cluster_operations = kOperationsNotAsked;
  ErrorCode error{};
  template <class V>
  void fields(V& v) {
    v(throttle_ms, since(3));
    v(brokers);
    v(cluster_id, since(2));
    v(controller, since(1));
    v(topics);
    v(cluster_operations, between(8, 10));
    v(error, since(13));
  }
};

}  // namespace penstock::protocol
