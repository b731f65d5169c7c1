#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/client_quotas.h"

// AlterClientQuotas (key 49), versions 0-1 (KIP-546). Each entry is taken or refused by itself, and
// what is taken is stored before the answer.
namespace penstock::broker {

void handle_alter_client_quotas(RequestContext context, protocol::AlterClientQuotasRequest request,
                                Reply<protocol::AlterClientQuotasResponse> reply);

}  // namespace penstock::broker
