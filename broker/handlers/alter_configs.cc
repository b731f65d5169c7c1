#include "broker/handlers/alter_configs.h"

#include <set>
#include <string_view>

#include "broker/handlers/alter_resource.h"
#include "broker/handlers/broker_resource.h"

namespace penstock::broker {

using protocol::AlterConfigsRequest;
using protocol::AlterConfigsResponse;
using protocol::ErrorCode;

std::optional<ApiError> refuse_resource(const RequestContext& context, std::int8_t type,
                                        std::string_view name) {
  const auto refuse = [](ErrorCode code, std::string text) {
    return ApiError{code, std::move(text)};
  };
  switch (type) {
    case kTopicResource:
      if (name.empty())
        return refuse(ErrorCode::kInvalidRequest, "Default topic resources are not allowed.");
      if (const Status valid = check_topic_name(name); !valid)
        return refuse(ErrorCode::kInvalidTopic, valid.error().text);
      if (context.shard.topics()->find(name)) return std::nullopt;
      return refuse(ErrorCode::kUnknownTopicOrPartition,
                    "The topic '" + std::string(name) + "' does not exist.");
    case kBrokerResource:
      if (name.empty()) return std::nullopt;
      return check_broker_name(context, name, "");
    case kClientMetricsResource:
      return refuse(ErrorCode::kInvalidRequest, "Client metrics are not collected here.");
    case kGroupResource:
      if (!name.empty()) return std::nullopt;
      return refuse(ErrorCode::kInvalidRequest, "Default group resources are not allowed.");
    default:
      return refuse(ErrorCode::kInvalidRequest, "Unknown resource type " + std::to_string(type));
  }
}

const std::map<std::string, std::string>& set_values(const RequestContext& context,
                                                     std::int8_t type, std::string_view name) {
  const Topics& topics = *context.shard.topics();
  if (type == kTopicResource) return topics.find(name)->overrides;
  if (type == kGroupResource) {
    static const std::map<std::string, std::string> kNone;
    const auto& groups = topics.broker_config().groups;
    const auto at = groups.find(name);
    return at == groups.end() ? kNone : at->second;
  }
  return name.empty() ? topics.broker_config().cluster : topics.broker_config().own;
}

void change_resource(const RequestContext& context, std::int8_t type, std::string_view name,
                     ConfigChanges changes, bool validate_only, TopicAdmin::AlterDone done) {
  TopicAdmin& admin = context.broker().topic_admin();
  if (type == kBrokerResource)
    return admin.alter_broker(!name.empty(), std::move(changes), validate_only, std::move(done));
  if (type == kGroupResource)
    return admin.alter_group(std::string(name), std::move(changes), validate_only, std::move(done));
  admin.alter_configs(std::string(name), std::move(changes), validate_only,
                      [done = std::move(done)](tl::expected<TopicRef, ApiError> altered) mutable {
                        if (altered)
                          done(std::nullopt);
                        else
                          done(std::move(altered.error()));
                      });
}

void handle_alter_configs(RequestContext context, AlterConfigsRequest request,
                          Reply<AlterConfigsResponse> reply) {
  alter_resources(
      context, request, std::move(reply), [](const auto&, auto&) { return false; },
      [&context](
          const AlterConfigsRequest::Resource& resource) -> tl::expected<ConfigChanges, ApiError> {
        ConfigChanges out;
        for (const auto& [name, value] : set_values(context, resource.type, resource.name))
          out[name] = std::nullopt;
        std::set<std::string_view> seen;
        for (const AlterConfigsRequest::Config& config : resource.configs) {
          if (!seen.insert(config.name).second) {
            return tl::make_unexpected(
                ApiError{ErrorCode::kInvalidRequest, "Error due to duplicate config keys"});
          }
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
