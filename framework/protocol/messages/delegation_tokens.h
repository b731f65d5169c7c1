#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

// CreateDelegationToken (key 38) and DescribeDelegationToken (key 41), versions 1-3, and
// RenewDelegationToken (key 39) and ExpireDelegationToken (key 40), versions 1-2. v2 flexible, v3
// owners other than who asks (KIP-373).
namespace penstock::protocol {

struct AskedPrincipal {
  std::string_view type;
  std::string_view name;
  template <class V>
  void fields(V& v) {
    v(type);
    v(name);
  }
};
struct Principal {
  std::string type;
  std::string name;
  template <class V>
  void fields(V& v) {
    v(type);
    v(name);
  }
};

struct CreateDelegationTokenRequest {
  std::optional<std::string_view> owner_type;
  std::optional<std::string_view> owner_name;
  std::vector<AskedPrincipal> renewers;
  std::int64_t lifetime_ms_max = 0;
  template <class V>
  void fields(V& v) {
    v(owner_type, since(3));
    v(owner_name, since(3));
    v(renewers);
    v(lifetime_ms_max);
  }
};

struct CreateDelegationTokenResponse {
  ErrorCode error{};
  Principal owner;
  Principal requester;
  std::int64_t issued_ms = -1;
  std::int64_t expires_ms = -1;
  std::int64_t expires_ms_max = -1;
  std::string token_id;
  ByteView hmac;
  std::int32_t throttle_ms = 0;
  template <class V>
  void fields(V& v) {
    v(error);
    owner.fields(v);
    v(requester.type, since(3));
    v(requester.name, since(3));
    v(issued_ms);
    v(expires_ms);
    v(expires_ms_max);
    v(token_id);
    v(hmac);
    v(throttle_ms);
  }
};

struct RenewDelegationTokenRequest {
  ByteView hmac;
  std::int64_t period_ms = 0;
  template <class V>
  void fields(V& v) {
    v(hmac);
    v(period_ms);
  }
};

struct RenewDelegationTokenResponse {
  ErrorCode error{};
  std::int64_t expires_ms = -1;
  std::int32_t throttle_ms = 0;
  template <class V>
  void fields(V& v) {
    v(error);
    v(expires_ms);
    v(throttle_ms);
  }
};

using ExpireDelegationTokenRequest = RenewDelegationTokenRequest;
using ExpireDelegationTokenResponse = RenewDelegationTokenResponse;

struct DescribeDelegationTokenRequest {
  std::optional<std::vector<AskedPrincipal>> owners;  // none: all
  template <class V>
  void fields(V& v) {
    v(owners);
  }
};

struct DescribeDelegationTokenResponse {
  struct Token {
    Principal owner;
    Principal requester;
    std::int64_t issued_ms = -1;
    std::int64_t expires_ms = -1;
    std::int64_t expires_ms_max = -1;
    std::string token_id;
    ByteView hmac;
    std::vector<Principal> renewers;
    template <class V>
    void fields(V& v) {
      owner.fields(v);
      v(requester.type, since(3));
      v(requester.name, since(3));
      v(issued_ms);
      v(expires_ms);
      v(expires_ms_max);
      v(token_id);
      v(hmac);
      v(renewers);
    }
  };
  ErrorCode error{};
  std::vector<Token> tokens;
  std::int32_t throttle_ms = 0;
  template <class V>
  void fields(V& v) {
    v(error);
    v(tokens);
    v(throttle_ms);
  }
};

}  // namespace penstock::protocol
