#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/alter_configs.h"

// AlterConfigs (key 33), versions 0-2, for topics, groups and brokers: what is not named goes back
// to its default.
namespace penstock::broker {

void handle_alter_configs(RequestContext context, protocol::AlterConfigsRequest request,
                          Reply<protocol::AlterConfigsResponse> reply);

}  // namespace penstock::broker
