#include "broker/handlers/list_config_resources.h"

#include <algorithm>

#include "broker/handlers/config_entries.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::ListConfigResourcesRequest;
using protocol::ListConfigResourcesResponse;

namespace {

bool exists(std::int8_t type) {
  return type == kTopicResource || type == kBrokerResource || type == kLoggerResource ||
         type == kClientMetricsResource || type == kGroupResource;
}

}  // namespace

void handle_list_config_resources(RequestContext context, ListConfigResourcesRequest request,
                                  Reply<ListConfigResourcesResponse> reply) {
  ListConfigResourcesResponse response;
  if (context.version == 0) return reply(response);
  if (!std::all_of(request.types.begin(), request.types.end(), exists)) {
    response.error = ErrorCode::kUnsupportedVersion;
    return reply(response);
  }
  const auto wanted = [&request](std::int8_t type) {
    return request.types.empty() ||
           std::find(request.types.begin(), request.types.end(), type) != request.types.end();
  };
  for (const std::int8_t type : {kLoggerResource, kBrokerResource}) {
    if (wanted(type))
      response.resources.push_back(
          {std::to_string(context.broker().settings().node_id.value), type});
  }
  if (wanted(kTopicResource)) {
    for (const auto& [name, topic] : context.shard.topics()->all())
      response.resources.push_back({name, kTopicResource});
  }
  if (wanted(kGroupResource)) {
    for (const auto& [name, config] : context.shard.topics()->broker_config().groups)
      response.resources.push_back({name, kGroupResource});
  }
  reply(response);
}

}  // namespace penstock::broker
