#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/incremental_alter_configs.h"

// IncrementalAlterConfigs (key 44), versions 0-1 (KIP-339), for topics: applied to open logs at
// once. Left out: broker settings, which are read at the start only.
namespace penstock::broker {

void handle_incremental_alter_configs(RequestContext context,
                                      protocol::IncrementalAlterConfigsRequest request,
                                      Reply<protocol::IncrementalAlterConfigsResponse> reply);

}  // namespace penstock::broker
