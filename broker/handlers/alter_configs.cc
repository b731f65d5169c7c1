#include "broker/handlers/alter_configs.h"

#include "broker/handlers/alter_topic.h"

namespace penstock::broker {

using protocol::AlterConfigsRequest;
using protocol::AlterConfigsResponse;
using protocol::ErrorCode;

std::optional<ApiError> refuse_resource(const RequestContext& context, std::int8_t type,
                                        std::string_view name) {
  if (type == kBrokerResource) {
    return ApiError{ErrorCode::kInvalidRequest,
                    "Settings of this broker cannot be changed while it runs: change its "
                    "properties file and start it again."};
  }
  if (type != kTopicResource)
    return ApiError{ErrorCode::kInvalidRequest,
                    "Unsupported resource type: " + std::to_string(type)};
  if (!context.shard.topics()->find(name))
    return ApiError{ErrorCode::kUnknownTopicOrPartition,
                    "The topic '" + std::string(name) + "' does not exist."};
  return std::nullopt;
}

void handle_alter_configs(RequestContext context, AlterConfigsRequest request,
                          Reply<AlterConfigsResponse> reply) {
  alter_topics(
      context, request, std::move(reply),
      [&context](
          const AlterConfigsRequest::Resource& resource) -> tl::expected<ConfigChanges, ApiError> {
        ConfigChanges out;
        for (const auto& [name, value] : context.shard.topics()->find(resource.name)->overrides)
          out[name] = std::nullopt;
        for (const AlterConfigsRequest::Config& config : resource.configs) {
          if (!config.value) {
            return tl::make_unexpected(
                ApiError{ErrorCode::kInvalidRequest,
                         "Null value not supported for : " + std::string(config.name)});
          }
          out[std::string(config.name)] = std::string(*config.value);
        }
        return out;
      });
}

}  // namespace penstock::broker
