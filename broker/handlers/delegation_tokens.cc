#include "broker/handlers/delegation_tokens.h"

namespace penstock::broker {

using protocol::ErrorCode;

namespace {
/// Who asks, as nobody logs in.
constexpr const char* kPrincipalType = "User";
constexpr const char* kPrincipalName = "ANONYMOUS";
}  // namespace

void handle_create_delegation_token(RequestContext /*context*/,
                                    protocol::CreateDelegationTokenRequest request,
                                    Reply<protocol::CreateDelegationTokenResponse> reply) {
  protocol::CreateDelegationTokenResponse response;
  response.error = ErrorCode::kDelegationTokenRequestNotAllowed;
  response.requester = {kPrincipalType, kPrincipalName};
  response.owner = response.requester;
  if (request.owner_name && !request.owner_name->empty())
    response.owner = {std::string(request.owner_type.value_or("")),
                      std::string(*request.owner_name)};
  reply(response);
}

void handle_renew_delegation_token(RequestContext /*context*/,
                                   protocol::RenewDelegationTokenRequest /*request*/,
                                   Reply<protocol::RenewDelegationTokenResponse> reply) {
  protocol::RenewDelegationTokenResponse response;
  response.error = ErrorCode::kDelegationTokenRequestNotAllowed;
  reply(response);
}

void handle_expire_delegation_token(RequestContext /*context*/,
                                    protocol::ExpireDelegationTokenRequest /*request*/,
                                    Reply<protocol::ExpireDelegationTokenResponse> reply) {
  protocol::ExpireDelegationTokenResponse response;
  response.error = ErrorCode::kDelegationTokenRequestNotAllowed;
  reply(response);
}

void handle_describe_delegation_token(RequestContext /*context*/,
                                      protocol::DescribeDelegationTokenRequest /*request*/,
                                      Reply<protocol::DescribeDelegationTokenResponse> reply) {
  protocol::DescribeDelegationTokenResponse response;
  response.error = ErrorCode::kDelegationTokenRequestNotAllowed;
  reply(response);
}

}  // namespace penstock::broker
