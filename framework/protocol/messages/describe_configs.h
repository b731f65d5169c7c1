#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// DescribeConfigs (key 32), versions 1-4. v3 types and documentation, v4 flexible.
struct DescribeConfigsRequest {
  struct Resource {
    std::int8_t type = 0;
    std::string_view name;
    std::optional<std::vector<std::string_view>> keys;  // null: all
    template <class V>
    void fields(V& v) {
      v(type);
      v(name);
      v(keys);
    }
  };
  std::vector<Resource> resources;
  bool include_synonyms = false;
  bool include_documentation = false;
  template <class V>
  void fields(V& v) {
    v(resources);
    v(include_synonyms, since(1));
    v(include_documentation, since(3));
  }
};

struct DescribeConfigsResponse {
  struct Synonym {
    std::string name;
    std::optional<std::string> value;
    std::int8_t source = 0;
    template <class V>
    void fields(V& v) {
      v(name);
      v(value);
      v(source);
    }
  };
  struct Config {
    std::string name;
    std::optional<std::string> value;
    bool read_only = false;
    std::int8_t source = -1;
    bool sensitive = false;
    std::vector<Synonym> synonyms;
    std::int8_t type = 0;
    std::optional<std::string> documentation;
    template <class V>
    void fields(V& v) {
      v(name);
      v(value);
      v(read_only);
      v(source, since(1));
      v(sensitive);
      v(synonyms, since(1));
      v(type, since(3));
      v(documentation, since(3));
    }
  };
  struct Result {
    ErrorCode error = ErrorCode::kNone;
    std::optional<std::string> message;
    std::int8_t type = 0;
    std::string name;
    std::vector<Config> configs;
    template <class V>
    void fields(V& v) {
      v(error);
      v(message);
      v(type);
      v(name);
      v(configs);
    }
  };
  std::int32_t throttle_ms = 0;
  std::vector<Result> results;
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(results);
  }
};

}  // namespace penstock::protocol
