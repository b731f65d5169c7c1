#include "broker/handlers/api_versions.h"

#include <algorithm>
#include <cctype>

#include "broker/api_table.h"
#include "broker/session.h"

namespace penstock::broker {

using protocol::ApiVersionsRequest;
using protocol::ApiVersionsResponse;
using protocol::ErrorCode;

namespace {
/// KIP-511: letters, digits, '.', '-'; beginning and ending with a letter or digit.
bool is_software_name(std::string_view text) {
  const auto alnum = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  return !text.empty() && alnum(text.front()) && alnum(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return alnum(c) || c == '.' || c == '-'; });
}
}  // namespace

void handle_api_versions(RequestContext context, ApiVersionsRequest request,
                         Reply<ApiVersionsResponse> reply) {
  ApiVersionsResponse response;
  if (context.version == kUnknownVersion) response.error = ErrorCode::kUnsupportedVersion;
  if (context.version >= 3) {
    if (is_software_name(request.client_software_name) &&
        is_software_name(request.client_software_version)) {
      context.session->client_software.assign(request.client_software_name)
          .append(" ")
          .append(request.client_software_version);
    } else {
      response.error = ErrorCode::kInvalidRequest;
    }
  }
  if (response.error != ErrorCode::kInvalidRequest) {
    for (const Api& api : api_table()) {
      response.apis.push_back({static_cast<std::int16_t>(api.key), api.advertised_low, api.high});
    }
  }
  reply(response);
}

}  // namespace penstock::broker
