#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

// DescribeUserScramCredentials (key 50), version 0 (KIP-554).
namespace penstock::protocol {

struct DescribeUserScramCredentialsRequest {
  struct User {
    std::string_view name;
    template <class V>
    void fields(V& v) {
      v(name);
    }
  };
  std::optional<std::vector<User>> users;  // null: all
  template <class V>
  void fields(V& v) {
    v(users);
  }
};

struct DescribeUserScramCredentialsResponse {
  struct Credential {
    std::int8_t mechanism = 0;
    std::int32_t iterations = 0;
    template <class V>
    void fields(V& v) {
      v(mechanism);
      v(iterations);
    }
  };
  struct Result {
    std::string user;
    ErrorCode error{};
    std::optional<std::string> error_text;
    std::vector<Credential> credentials;
    template <class V>
    void fields(V& v) {
      v(user);
      v(error);
      v(error_text);
      v(credentials);
    }
  };
  std::int32_t throttle_ms = 0;
  ErrorCode error{};
  std::optional<std::string> error_text;
  std::vector<Result> results;
  template <class V>
  void fields(V& v) {
    v(throttle_ms);
    v(error);
    v(error_text);
    v(results);
  }
};

}  // namespace penstock::protocol
