#include "broker/handlers/api_versions.h"

#include <algorithm>
#include <cctype>

#include "broker/api_table.h"
#include "broker/features.h"
#include "broker/session.h"

namespace penstock::broker {

using protocol::ApiVersionsRequest;
using protocol::ApiVersionsResponse;
using protocol::ErrorCode;

namespace {
constexpr std::int16_t kLowestLevelZeroFrom = 4;

/// KIP-511: letters, digits, '.', '-'; beginning and ending with a letter or digit.
bool is_software_name(std::string_view text) {
  const auto alnum = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  return !text.empty() && alnum(text.front()) && alnum(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return alnum(c) || c == '.' || c == '-'; });
}
void add_features(const FeatureLevels& levels, std::int16_t version, ApiVersionsResponse& to) {
  for (const FeatureDef& def : feature_defs()) {
    if (version >= kLowestLevelZeroFrom || def.low > 0)
      to.supported_features.push_back({std::string(def.name), def.low, def.high});
    // Level 0 is that of a feature which is not in use.
    if (const std::int16_t level = levels.*def.level; level > 0)
      to.finalized_features.push_back({std::string(def.name), level, level});
  }
  to.features_epoch = levels.epoch;
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
  for (const Api& api : api_table()) {
    const bool own = api.key == protocol::ApiKey::kApiVersions;
    if (response.error == ErrorCode::kNone ||
        (own && response.error == ErrorCode::kUnsupportedVersion))
      response.apis.push_back({static_cast<std::int16_t>(api.key), api.advertised_low, api.high});
  }
  if (context.version >= 3 && response.error == ErrorCode::kNone)
    add_features(context.broker().features().levels(), context.version, response);
  reply(response);
}

}  // namespace penstock::broker
