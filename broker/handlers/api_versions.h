#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/api_versions.h"

// ApiVersions (key 18), versions 0-4. An unknown version is answered in version 0 with
// UNSUPPORTED_VERSION and this API's own range (KIP-511): all that is needed to ask again. v1
// throttle time; v3 flexible, client software name and version (KIP-511), INVALID_REQUEST when
// they are malformed. The response header is never flexible. v3 features (KIP-584); before v4
// those whose lowest level is 0 are not listed as supported, as clients of then cannot read them
// (KAFKA-17011).
namespace penstock::broker {

void handle_api_versions(RequestContext context, protocol::ApiVersionsRequest request,
                         Reply<protocol::ApiVersionsResponse> reply);

}  // namespace penstock::broker
