#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/describe_user_scram_credentials.h"

// DescribeUserScramCredentials (key 50), version 0 (KIP-554). Nobody logs in, so no user has
// credentials; kafka-configs asks before it shows the quotas of users.
namespace penstock::broker {

void handle_describe_user_scram_credentials(
    RequestContext context, protocol::DescribeUserScramCredentialsRequest request,
    Reply<protocol::DescribeUserScramCredentialsResponse> reply);

}  // namespace penstock::broker
