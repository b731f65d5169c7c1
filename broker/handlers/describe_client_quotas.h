#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/client_quotas.h"

// DescribeClientQuotas (key 48), versions 0-1 (KIP-546). Entities are users, client ids and
// addresses; a filter names a type exactly, its default, or whatever there is.
namespace penstock::broker {

void handle_describe_client_quotas(RequestContext context,
                                   protocol::DescribeClientQuotasRequest request,
                                   Reply<protocol::DescribeClientQuotasResponse> reply);

}  // namespace penstock::broker
