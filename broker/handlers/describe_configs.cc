#include "broker/handlers/describe_configs.h"

#include <algorithm>
#include <utility>

#include "broker/handlers/config_entries.h"

namespace penstock::broker {

using protocol::DescribeConfigsRequest;
using protocol::DescribeConfigsResponse;
using protocol::ErrorCode;

namespace {

bool wanted(const DescribeConfigsRequest::Resource& resource, std::string_view name) {
  return !resource.keys ||
         std::find(resource.keys->begin(), resource.keys->end(), name) != resource.keys->end();
}

ConfigType type_of(config::Kind kind) {
  switch (kind) {
    case config::Kind::kBool:
      return ConfigType::kBoolean;
    case config::Kind::kInt:
      return ConfigType::kInt;
    case config::Kind::kLong:
    case config::Kind::kDuration:
    case config::Kind::kBytes:
      return ConfigType::kLong;
    case config::Kind::kDouble:
      return ConfigType::kDouble;
    case config::Kind::kList:
      return ConfigType::kList;
    case config::Kind::kString:
    case config::Kind::kPassword:
      break;
  }
  return ConfigType::kString;
}

void refuse(DescribeConfigsResponse::Result& out, ErrorCode code, std::string text) {
  out.error = code;
  out.message = std::move(text);
}

void describe_topic(const RequestContext& context, const DescribeConfigsRequest::Resource& resource,
                    DescribeConfigsResponse::Result& out) {
  if (const Status name = check_topic_name(resource.name); !name)
    return refuse(out, ErrorCode::kInvalidTopic, name.error().text);
  const TopicRef topic = context.shard.topics()->find(resource.name);
  if (!topic)
    return refuse(out, ErrorCode::kUnknownTopicOrPartition,
                  "This server does not host this topic-partition.");
  for (const TopicConfigDef& def : topic_config_defs()) {
    if (wanted(resource, def.name))
      out.configs.push_back(
          describe_topic_config(def, context.broker(), topic->overrides, topic->settings));
  }
}

/// Broker settings are read at the start, so all are read-only.
DescribeConfigsResponse::Config describe_setting(
    const config::Key& key, const std::map<std::string, std::string>& all_given) {
  const auto given = all_given.find(key.name);
  DescribeConfigsResponse::Config out;
  out.name = key.name;
  out.read_only = true;
  out.type = static_cast<std::int8_t>(type_of(key.kind));
  out.documentation = key.doc;
  out.sensitive = key.kind == config::Kind::kPassword;
  out.source = static_cast<std::int8_t>(given != all_given.end() ? ConfigSource::kStaticBroker
                                                                 : ConfigSource::kDefault);
  if (given != all_given.end())
    out.value = given->second;
  else if (key.fallback && !key.fallback->empty())
    out.value = *key.fallback;
  if (out.sensitive) out.value.reset();
  out.synonyms.push_back({out.name, out.value, out.source});
  return out;
}

void describe_broker(const RequestContext& context,
                     const DescribeConfigsRequest::Resource& resource,
                     DescribeConfigsResponse::Result& out) {
  const Settings& settings = context.broker().settings();
  if (resource.name.empty()) return;  // cluster-wide dynamic defaults: there are none
  if (resource.name != std::to_string(settings.node_id.value)) {
    return refuse(out, ErrorCode::kInvalidRequest,
                  "Unexpected broker id, expected " + std::to_string(settings.node_id.value) +
                      ", but received " + std::string(resource.name));
  }
  const std::vector<config::Key> keys = setting_keys();
  for (const config::Key& key : keys) {
    if (wanted(resource, key.name)) out.configs.push_back(describe_setting(key, settings.given));
  }
}

}  // namespace

void handle_describe_configs(RequestContext context, DescribeConfigsRequest request,
                             Reply<DescribeConfigsResponse> reply) {
  DescribeConfigsResponse response;
  for (const DescribeConfigsRequest::Resource& resource : request.resources) {
    DescribeConfigsResponse::Result& out = response.results.emplace_back();
    out.type = resource.type;
    out.name = resource.name;
    out.message = "";  // as Kafka says it, not null
    if (resource.type == kTopicResource)
      describe_topic(context, resource, out);
    else if (resource.type == kBrokerResource)
      describe_broker(context, resource, out);
    else
      refuse(out, ErrorCode::kInvalidRequest,
             "Unsupported resource type: " + std::to_string(resource.type));
    for (DescribeConfigsResponse::Config& config : out.configs) {
      if (!request.include_synonyms) config.synonyms.clear();
      if (!request.include_documentation) config.documentation.reset();
    }
  }
  reply(response);
}

}  // namespace penstock::broker
