#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

// DescribeClientQuotas (key 48) and AlterClientQuotas (key 49), versions 0-1 (KIP-546). v1
// flexible.
namespace penstock::protocol {

/// One part of who a quota is for: a type and a name, null for the default.
struct QuotaEntityPart {
  std::string type;
  std::optional<std::string> name;
  template <class V>
  void fields(V& v) {
    v(type);
    v(name);
  }
};

struct DescribeClientQuotasRequest {
  static constexpr std::int8_t kExact = 0;
  static constexpr std::int8_t kDefault = 1;
  static constexpr std::int8_t kSpecified = 2;
  struct Component {
    std::string_view type;
    std::int8_t match_type = kExact;
    std::optional<std::string_view> match;
    template <class V>
    void fields(V& v) {
      v(type);
      v(match_type);
      v(match);
    }
  };
  std::vector<Component> components;
  bool strict = false;
  template <class V>
  void fields(V& v) {
    v(components);
    v(strict);
  }
};

struct DescribeClientQuotasResponse {
  struct Value {
    std::string key;
    double value = 0;
    template <class V>
    void fields(V& v) {
      v(key);
      v(value);
    }
  };
  struct Entry {
    std::vector<QuotaEntityPart> entity;
    std::vector<Value> values;
    template <class V>
    void fields(V& v) {
      v(entity);
      v(values);
    }
  };
  std::int32_t throttle_ms = 0;
  ErrorCode error{};
  std::optional<std::string> error_text;
  std::optional<std::vector<Entry>> entries;
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(error);
    v(error_text);
    v(entries);
  }
};

struct AlterClientQuotasRequest {
  struct Op {
    std::string_view key;
    double value = 0;
    bool remove = false;
    template <class V>
    void fields(V& v) {
      v(key);
      v(value);
      v(remove);
    }
  };
  struct Entry {
    std::vector<QuotaEntityPart> entity;
    std::vector<Op> ops;
    template <class V>
    void fields(V& v) {
      v(entity);
      v(ops);
    }
  };
  std::vector<Entry> entries;
  bool validate_only = false;
  template <class V>
  void fields(V& v) {
    v(entries);
    v(validate_only);
  }
};

struct AlterClientQuotasResponse {
  struct Entry {
    ErrorCode error{};
    std::optional<std::string> error_text;
    std::vector<QuotaEntityPart> entity;
    template <class V>
    void fields(V& v) {
      v(error);
      v(error_text);
      v(entity);
    }
  };
  std::int32_t throttle_ms = 0;
  std::vector<Entry> entries;
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(entries);
  }
};

}  // namespace penstock::protocol
