#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/describe_configs.h"

// DescribeConfigs (key 32), versions 1-4: topics, groups, this broker, all brokers and the
// log's level (KIP-412), with synonyms (KIP-226) and documentation (KIP-569). Left out: client
// metrics.
namespace penstock::broker {

void handle_describe_configs(RequestContext context, protocol::DescribeConfigsRequest request,
                             Reply<protocol::DescribeConfigsResponse> reply);

}  // namespace penstock::broker
