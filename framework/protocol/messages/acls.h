#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

// DescribeAcls (key 29), CreateAcls (key 30) and DeleteAcls (key 31), versions 1-3. v2 flexible,
// v3 resources that are users.
namespace penstock::protocol {

/// What DescribeAcls and DeleteAcls look for; null matches anything.
struct AclFilter {
  std::int8_t resource_type = 0;
  std::optional<std::string_view> resource_name;
  std::int8_t pattern_type = 0;
  std::optional<std::string_view> principal;
  std::optional<std::string_view> host;
  std::int8_t operation = 0;
  std::int8_t permission = 0;
  template <class V>
  void fields(V& v) {
    v(resource_type);
    v(resource_name);
    v(pattern_type);
    v(principal);
    v(host);
    v(operation);
    v(permission);
  }
};

struct DescribeAclsRequest {
  AclFilter filter;
  template <class V>
  void fields(V& v) {
    filter.fields(v);
  }
};

struct DescribeAclsResponse {
  struct Acl {
    std::string principal;
    std::string host;
    std::int8_t operation = 0;
    std::int8_t permission = 0;
    template <class V>
    void fields(V& v) {
      v(principal);
      v(host);
      v(operation);
      v(permission);
    }
  };
  struct Resource {
    std::int8_t resource_type = 0;
    std::string resource_name;
    std::int8_t pattern_type = 0;
    std::vector<Acl> acls;
    template <class V>
    void fields(V& v) {
      v(resource_type);
      v(resource_name);
      v(pattern_type);
      v(acls);
    }
  };
  std::int32_t throttle_ms = 0;
  ErrorCode error{};
  std::optional<std::string> error_text;
  std::vector<Resource> resources;
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(error);
    v(error_text);
    v(resources);
  }
};

struct CreateAclsRequest {
  struct Creation {
    std::int8_t resource_type = 0;
    std::string_view resource_name;
    std::int8_t pattern_type = 0;
    std::string_view principal;
    std::string_view host;
    std::int8_t operation = 0;
    std::int8_t permission = 0;
    template <class V>
    void fields(V& v) {
      v(resource_type);
      v(resource_name);
      v(pattern_type);
      v(principal);
      v(host);
      v(operation);
      v(permission);
    }
  };
  std::vector<Creation> creations;
  template <class V>
  void fields(V& v) {
    v(creations);
  }
};

struct CreateAclsResponse {
  struct Result {
    ErrorCode error{};
    std::optional<std::string> error_text;
    template <class V>
    void fields(V& v) {
      v(error);
      v(error_text);
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

struct DeleteAclsRequest {
  std::vector<AclFilter> filters;
  template <class V>
  void fields(V& v) {
    v(filters);
  }
};

struct DeleteAclsResponse {
  struct Match {
    ErrorCode error{};
    std::optional<std::string> error_text;
    std::int8_t resource_type = 0;
    std::string resource_name;
    std::int8_t pattern_type = 0;
    std::string principal;
    std::string host;
    std::int8_t operation = 0;
    std::int8_t permission = 0;
    template <class V>
    void fields(V& v) {
      v(error);
      v(error_text);
      v(resource_type);
      v(resource_name);
      v(pattern_type);
      v(principal);
      v(host);
      v(operation);
      v(permission);
    }
  };
  struct Result {
    ErrorCode error{};
    std::optional<std::string> error_text;
    std::vector<Match> matches;
    template <class V>
    void fields(V& v) {
      v(error);
      v(error_text);
      v(matches);
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
