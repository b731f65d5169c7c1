#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// DescribeLogDirs (key 35), versions 1-5. v2 flexible, v3 an error of the whole answer, v4 bytes of
// the file system (KIP-827), v5 cordoned directories (KIP-1066).
struct DescribeLogDirsRequest {
  struct Topic {
    std::string_view name;
    std::vector<std::int32_t> partitions;
    template <class V>
    void fields(V& v) {
      v(name);
      v(partitions);
    }
  };
  std::optional<std::vector<Topic>> topics;  // null: all
  template <class V>
  void fields(V& v) {
    v(topics);
  }
};

struct DescribeLogDirsResponse {
  struct Partition {
    std::int32_t index = 0;
    std::int64_t size_bytes = 0;
    std::int64_t offset_lag = 0;
    bool is_future = false;
    template <class V>
    void fields(V& v) {
      v(index);
      v(size_bytes);
      v(offset_lag);
      v(is_future);
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
  struct Directory {
    ErrorCode error = ErrorCode::kNone;
    std::string path;
    std::vector<Topic> topics;
    std::int64_t total_bytes = -1;
    std::int64_t usable_bytes = -1;
    bool is_cordoned = false;
    template <class V>
    void fields(V& v) {
      v(error);
      v(path);
      v(topics);
      v(total_bytes, since(4));
      v(usable_bytes, since(4));
      v(is_cordoned, since(5));
    }
  };
  std::int32_t throttle_ms = 0;
  ErrorCode error = ErrorCode::kNone;
  std::vector<Directory> directories;
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(error, since(3));
    v(directories);
  }
};

}  // namespace penstock::protocol
