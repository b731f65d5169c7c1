#include "broker/handlers/incremental_alter_configs.h"

#include <algorithm>

#include "broker/handlers/alter_topic.h"

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
    std::erase(items, item);
    if (append) items.push_back(item);
  }
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ",") + item;
  return out;
}

tl::expected<std::optional<std::string>, ApiError> new_value(
    const Topic& topic, const IncrementalAlterConfigsRequest::Config& config) {
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
                  "Unknown operation " + std::to_string(config.operation));
  }
  const TopicConfigDef* def = find_topic_config(config.name);
  if (def == nullptr || def->type != ConfigType::kList) {
    return refuse(ErrorCode::kInvalidConfig,
                  "Can't " +
                      std::string(config.operation == kAppend ? "APPEND to" : "SUBTRACT from") +
                      " key " + std::string(config.name) + " because its type is not LIST.");
  }
  const auto typed = topic.overrides.find(std::string(config.name));
  return changed_list(typed != topic.overrides.end() ? typed->second : def->get(topic.settings),
                      *config.value, config.operation == kAppend);
}

}  // namespace

void handle_incremental_alter_configs(RequestContext context,
                                      IncrementalAlterConfigsRequest request,
                                      Reply<IncrementalAlterConfigsResponse> reply) {
  alter_topics(context, request, std::move(reply),
               [&context](const IncrementalAlterConfigsRequest::Resource& resource)
                   -> tl::expected<ConfigChanges, ApiError> {
                 const TopicRef topic = context.shard.topics()->find(resource.name);
                 ConfigChanges out;
                 for (const IncrementalAlterConfigsRequest::Config& config : resource.configs) {
                   auto value = new_value(*topic, config);
                   if (!value) return tl::make_unexpected(value.error());
                   if (!out.emplace(config.name, std::move(*value)).second) {
                     return tl::make_unexpected(
                         ApiError{ErrorCode::kInvalidRequest,
                                  "The setting " + std::string(config.name) + " is given twice."});
                   }
                 }
                 return out;
               });
}

}  // namespace penstock::broker
