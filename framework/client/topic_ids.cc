#include "framework/client/topic_ids.h"

#include <algorithm>

#include "framework/client/connection.h"
#include "framework/protocol/messages/api_versions.h"
#include "framework/protocol/messages/metadata.h"

namespace penstock::client {
namespace {

using protocol::ApiKey;

// Metadata versions with topic ids that we speak.
constexpr std::int16_t kFirst = 10;
constexpr std::int16_t kLast = 12;

Result<std::map<std::string, Uuid>> ask_one(const Address& address,
                                            const std::vector<std::string>& topics,
                                            int timeout_ms) {
  PENSTOCK_ASSIGN_OR_RETURN(auto connection, Connection::open(address, timeout_ms));
  // Every broker answers version 0.
  PENSTOCK_ASSIGN_OR_RETURN(const auto versions, connection.ask<protocol::ApiVersionsResponse>(
                                                     ApiKey::kApiVersions, 0,
                                                     protocol::ApiVersionsRequest{}, timeout_ms));
  const auto metadata = std::ranges::find_if(versions.apis, [](const auto& api) {
    return api.key == static_cast<std::int16_t>(ApiKey::kMetadata);
  });
  if (metadata == versions.apis.end() || metadata->high < kFirst || metadata->low > kLast)
    return std::map<std::string, Uuid>();
  protocol::MetadataRequest request;
  request.allow_auto_topic_creation = false;
  request.topics.emplace();
  for (const auto& topic : topics) request.topics->push_back({{}, topic});
  PENSTOCK_ASSIGN_OR_RETURN(
      const auto answer,
      connection.ask<protocol::MetadataResponse>(ApiKey::kMetadata, std::min(metadata->high, kLast),
                                                 request, timeout_ms));
  std::map<std::string, Uuid> out;
  for (const auto& topic : answer.topics) {
    if (topic.error == protocol::ErrorCode::kNone && topic.name && !topic.id.is_zero())
      out.emplace(*topic.name, topic.id);
  }
  return out;
}

}  // namespace

Result<std::map<std::string, Uuid>> topic_ids(const std::string& bootstrap_servers,
                                              const std::vector<std::string>& topics,
                                              int timeout_ms) {
  Error last{Errc::kInvalid, "bootstrap.servers names no broker"};
  for (const auto& address : parse_bootstrap(bootstrap_servers)) {
    auto ids = ask_one(address, topics, timeout_ms);
    if (ids) return ids;
    last = std::move(ids).error();
  }
  return tl::make_unexpected(last.in("reading topic ids"));
}

}  // namespace penstock::client
