#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/incremental_alter_configs.h"

// IncrementalAlterConfigs (key 44), versions 0-1 (KIP-339): topics, groups, the broker and all
// brokers (KIP-226), applied at once, and the level of the log (KIP-412). Left out: client metrics.
namespace penstock::broker {

void handle_incremental_alter_configs(RequestContext context,
                                      protocol::IncrementalAlterConfigsRequest request,
                                      Reply<protocol::IncrementalAlterConfigsResponse> reply);

}  // namespace penstock::broker
