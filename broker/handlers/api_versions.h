#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/api_versions.h"

// ApiVersions (key 18), versions 0-4. An unknown version is answered in version 0 with
// UNSUPPORTED_VERSION and the whole list (KIP-35). v1 throttle time; v3 flexible, client software
// name and version (KIP-511), INVALID_REQUEST when they are malformed. The response header is never
// flexible. Left out: features. None is advertised, so clients stay with transactions v1.
namespace penstock::broker {

void handle_api_versions(RequestContext context, protocol::ApiVersionsRequest request,
                         Reply<protocol::ApiVersionsResponse> reply);

}  // namespace penstock::broker
