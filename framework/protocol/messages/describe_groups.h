#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::protocol {

// DescribeGroups (key 15), versions 0-6. v3 authorized operations, v4 instance ids, v5 flexible, v6
// GROUP_ID_NOT_FOUND and an error text (KIP-1043); before it, a group that is not there is "Dead"
// without error.
struct DescribeGroupsRequest {
  std::vector<std::string_view> groups;
  bool include_authorized_operations = false;
  template <class V>
  void fields(V& v) {
    v(groups);
    v(include_authorized_operations, since(3));
  }
};

struct DescribeGroupsResponse {
  struct Member {
    std::string id;
    std::optional<std::string> instance_id;
    std::string client_id;
    std::string client_host;
    ByteView metadata;
    ByteView assignment;
    template <class V>
    void fields(V& v) {
      v(id);
      v(instance_id, since(4));
      v(client_id);
      v(client_host);
      v(metadata);
      v(assignment);
    }
  };
  struct Group {
    ErrorCode error = ErrorCode::kNone;
    std::optional<std::string> message;
    std::string id;
    std::string state;
    std::string protocol_type;
    std::string protocol;
    std::vector<Member> members;
    std::int32_t authorized_operations = INT32_MIN;
    template <class V>
    void fields(V& v) {
      v(error);
      v(message, since(6));
      v(id);
      v(state);
      v(protocol_type);
      v(protocol);
      v(members);
      v(authorized_operations, since(3));
    }
  };
  std::int32_t throttle_ms = 0;
  std::vector<Group> groups;
  template <class V>
  void fields(V& v) {
    v(throttle_ms, since(1));
    v(groups);
  }
};

}  // namespace penstock::protocol
