#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// AlterReplicaLogDirs (key 34), versions 1-2 (KIP-113). v2 flexible.
struct AlterReplicaLogDirsRequest {
  struct Topic {
    std::string_view name;
    std::vector<std::int32_t> partitions;
    template <class V>
    void fields(V& v) {
      v(name);
      v(partitions);
    }
  };
  struct Directory {
    std::string_view path;
    std::vector<Topic> topics;
    template <class V>
    void fields(V& v) {
      v(path);
      v(topics);
    }
  };
  std::vector<Directory> directories;
  template <class V>
  void fields(V& v) {
    v(directories);
  }
};

struct AlterReplicaLogDirsResponse {
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
  std::int32_t throttle_ms = 0;
  std::vector<Topic> topics;
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(topics);
  }
};

}  // namespace penstock::protocol
