#include "broker/handlers/incremental_alter_configs.h"

#include <algorithm>
#include <set>
#include <utility>

#include "broker/handlers/alter_resource.h"
#include "broker/handlers/broker_resource.h"
#include "broker/log_level.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::IncrementalAlterConfigsRequest;
using protocol::IncrementalAlterConfigsResponse;

namespace {

enum Operation : std::int8_t { kSet = 0, kDelete = 1, kAppend = 2, kSubtract = 3 };

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    out.emplace_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  return out;
}

std::string changed_list(std::string_view now, std::string_view change, bool append) {
  std::vector<std::string> items = split(now);
  for (const std::string& item : split(change)) {
    const bool there = std::find(items.begin(), items.end(), item) != items.end();
    if (!append)
      std::erase(items, item);
    else if (!there)
      items.push_back(item);
  }
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ",") + item;
  return out;
}

/// A list as it is now, whoever set it; nullopt when the setting is no list.
std::optional<std::string> current_list(const RequestContext& context,
                                        const IncrementalAlterConfigsRequest::Resource& resource,
                                        std::string_view name) {
  const Topics& topics = *context.shard.topics();
  if (resource.type == kTopicResource) {
    const TopicConfigDef* def = find_topic_config(name);
    if (def == nullptr || def->type != ConfigType::kList) return std::nullopt;
    const TopicRef topic = topics.find(resource.name);
    const auto typed = topic->overrides.find(std::string(name));
    return typed != topic->overrides.end() ? typed->second : def->get(topic->settings);
  }
  if (resource.type == kGroupResource) return std::nullopt;
  for (const config::Key& key : setting_keys()) {
    if (key.name != name) continue;
    if (key.kind != config::Kind::kList) return std::nullopt;
    const auto values =
        broker_setting_values(name, context.broker().settings(), topics.broker_config());
    return values.empty() ? std::string() : values.front().value.value_or("");
  }
  return std::nullopt;
}

/// What cannot be set is not set either, so there is nothing to delete: tools clear settings that
/// this broker does not have, such as the throttles of reassignments.
bool can_be_set(const IncrementalAlterConfigsRequest::Resource& resource, std::string_view name) {
  if (resource.type == kTopicResource) return find_topic_config(name) != nullptr;
  if (resource.type == kGroupResource) return find_group_config(name) != nullptr;
  return is_dynamic_setting(name);
}

tl::expected<std::optional<std::string>, ApiError> new_value(
    const RequestContext& context, const IncrementalAlterConfigsRequest::Resource& resource,
    const IncrementalAlterConfigsRequest::Config& config) {
  const auto refuse = [](ErrorCode code, std::string text) {
    return tl::make_unexpected(ApiError{code, std::move(text)});
  };
  if (config.operation == kDelete) return std::optional<std::string>();
  if (!config.value)
    return refuse(ErrorCode::kInvalidRequest,
                  "Null value not supported for : " + std::string(config.name));
  if (config.operation == kSet) return std::string(*config.value);
  if (config.operation != kAppend && config.operation != kSubtract) {
    return refuse(ErrorCode::kInvalidRequest,
                  "Unknown operations type " + std::to_string(config.operation));
  }
  const auto now = current_list(context, resource, config.name);
  if (!now) {
    return refuse(ErrorCode::kInvalidConfig,
                  std::string("Can't ") + (config.operation == kAppend ? "APPEND" : "SUBTRACT") +
                      " to key " + std::string(config.name) + " because its type is not LIST.");
  }
  return changed_list(*now, *config.value, config.operation == kAppend);
}

std::optional<ApiError> set_loggers(const RequestContext& context,
                                    const IncrementalAlterConfigsRequest::Resource& resource,
                                    bool validate_only) {
  const auto refuse = [](ErrorCode code, std::string text) {
    return ApiError{code, std::move(text)};
  };
  if (auto wrong = check_broker_name(context, resource.name, "")) return wrong;
  for (const IncrementalAlterConfigsRequest::Config& config : resource.configs) {
    const std::string name(config.name);
    if (name != kRootLogger)
      return refuse(ErrorCode::kInvalidConfig, "Logger " + name + " does not exist!");
    if (config.operation == kDelete)
      return refuse(ErrorCode::kInvalidRequest,
                    "Removing the log level of the root logger is not allowed");
    if (config.operation != kSet)
      return refuse(ErrorCode::kInvalidRequest,
                    "Only SET is allowed for the BROKER_LOGGER resource");
    const std::string level(config.value.value_or(""));
    if (!is_log_level(level)) {
      return refuse(ErrorCode::kInvalidConfig,
                    "Cannot set the log level of " + name + " to " + level +
                        " as it is not a supported log level. Valid log levels are DEBUG, ERROR, "
                        "FATAL, INFO, TRACE, WARN");
    }
  }
  if (validate_only) return std::nullopt;
  for (const IncrementalAlterConfigsRequest::Config& config : resource.configs)
    set_log_level(*config.value);
  return std::nullopt;
}

}  // namespace

void handle_incremental_alter_configs(RequestContext context,
                                      IncrementalAlterConfigsRequest request,
                                      Reply<IncrementalAlterConfigsResponse> reply) {
  using Resource = IncrementalAlterConfigsRequest::Resource;
  const auto loggers = [&context, &request](const Resource& resource, auto& outcome) {
    if (resource.type != kLoggerResource) return false;
    if (auto failed = set_loggers(context, resource, request.validate_only)) {
      outcome.error = failed->code;
      outcome.message = std::move(failed->text);
    }
    return true;
  };
  alter_resources(context, request, std::move(reply), loggers,
                  [&context](const Resource& resource) -> tl::expected<ConfigChanges, ApiError> {
                    ConfigChanges out;
                    std::set<std::string_view> seen;
                    for (const IncrementalAlterConfigsRequest::Config& config : resource.configs) {
                      if (!seen.insert(config.name).second) {
                        return tl::make_unexpected(ApiError{ErrorCode::kInvalidRequest,
                                                            "Error due to duplicate config keys"});
                      }
                      if (config.operation == kDelete && !can_be_set(resource, config.name))
                        continue;
                      auto value = new_value(context, resource, config);
                      if (!value) return tl::make_unexpected(value.error());
                      out.emplace(config.name, std::move(*value));
                    }
                    return out;
                  });
}

}  // namespace penstock::broker
