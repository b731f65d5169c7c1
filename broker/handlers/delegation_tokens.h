#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/delegation_tokens.h"

// CreateDelegationToken (key 38), versions 1-3, RenewDelegationToken (key 39) and
// ExpireDelegationToken (key 40), versions 1-2, and DescribeDelegationToken (key 41), versions 1-3.
// Listeners are PLAINTEXT, where Kafka gives no tokens either: each is refused as there.
namespace penstock::broker {

void handle_create_delegation_token(RequestContext context,
                                    protocol::CreateDelegationTokenRequest request,
                                    Reply<protocol::CreateDelegationTokenResponse> reply);
void handle_renew_delegation_token(RequestContext context,
                                   protocol::RenewDelegationTokenRequest request,
                                   Reply<protocol::RenewDelegationTokenResponse> reply);
void handle_expire_delegation_token(RequestContext context,
                                    protocol::ExpireDelegationTokenRequest request,
                                    Reply<protocol::ExpireDelegationTokenResponse> reply);
void handle_describe_delegation_token(RequestContext context,
                                      protocol::DescribeDelegationTokenRequest request,
                                      Reply<protocol::DescribeDelegationTokenResponse> reply);

}  // namespace penstock::broker
