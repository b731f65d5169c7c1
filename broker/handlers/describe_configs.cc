#include "broker/handlers/describe_configs.h"

#include <algorithm>
#include <utility>

#include "broker/handlers/broker_resource.h"
#include "broker/handlers/config_entries.h"
#include "broker/handlers/drop_repeats.h"
#include "broker/log_level.h"

namespace penstock::broker {

using protocol::DescribeConfigsRequest;
using protocol::DescribeConfigsResponse;
using protocol::ErrorCode;

namespace {

bool wanted(const DescribeConfigsRequest::Resource& resource, std::string_view name) {
  return !resource.keys || resource.keys->empty() ||  // either is all
         std::find(resource.keys->begin(), resource.keys->end(), name) != resource.keys->end();
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
  if (!topic) return refuse(out, ErrorCode::kUnknownTopicOrPartition, kNotHostedHere);
  for (const TopicConfigDef& def : topic_config_defs()) {
    if (wanted(resource, def.name))
      out.configs.push_back(describe_topic_config(def, context.broker().settings(),
                                                  context.shard.topics()->broker_config(),
                                                  topic->overrides, topic->settings));
  }
}

void describe_broker(const RequestContext& context,
                     const DescribeConfigsRequest::Resource& resource,
                     DescribeConfigsResponse::Result& out) {
  const Settings& settings = context.broker().settings();
  const BrokerConfig& config = context.shard.topics()->broker_config();
  if (resource.name.empty()) {
    for (auto& entry : describe_cluster_settings(config)) {
      if (wanted(resource, entry.name)) out.configs.push_back(std::move(entry));
    }
    return;
  }
  if (auto wrong = check_broker_name(context, resource.name, " or empty string"))
    return refuse(out, wrong->code, std::move(wrong->text));
  for (const config::Key& key : setting_keys()) {
    if (wanted(resource, key.name))
      out.configs.push_back(describe_broker_setting(key, settings, config));
  }
}

void describe_loggers(const RequestContext& context,
                      const DescribeConfigsRequest::Resource& resource,
                      DescribeConfigsResponse::Result& out) {
  if (resource.name.empty())
    return refuse(out, ErrorCode::kInvalidRequest, "Broker id must not be empty");
  if (auto wrong = check_broker_name(context, resource.name, ""))
    return refuse(out, wrong->code, std::move(wrong->text));
  if (!wanted(resource, kRootLogger)) return;
  DescribeConfigsResponse::Config& entry = out.configs.emplace_back();
  entry.name = kRootLogger;
  entry.value = log_level();
  entry.source = static_cast<std::int8_t>(ConfigSource::kLogger);
}

/// Of a group that need not be there.
void describe_group(const RequestContext& context, const DescribeConfigsRequest::Resource& resource,
                    DescribeConfigsResponse::Result& out) {
  if (resource.name.empty())
    return refuse(out, ErrorCode::kInvalidRequest, "Group name must not be empty");
  const BrokerConfig& config = context.shard.topics()->broker_config();
  const auto at = config.groups.find(resource.name);
  const GroupConfig own = at == config.groups.end() ? GroupConfig() : at->second;
  for (const GroupConfigDef& def : group_config_defs()) {
    if (wanted(resource, def.name))
      out.configs.push_back(describe_group_config(def, context.broker().settings(), config, own));
  }
}

void describe(const RequestContext& context, const DescribeConfigsRequest::Resource& resource,
              DescribeConfigsResponse::Result& out) {
  switch (resource.type) {
    case kTopicResource:
      return describe_topic(context, resource, out);
    case kBrokerResource:
      return describe_broker(context, resource, out);
    case kLoggerResource:
      return describe_loggers(context, resource, out);
    case kClientMetricsResource:
      return refuse(out, ErrorCode::kInvalidRequest, "Client metrics are not collected here.");
    case kGroupResource:
      return describe_group(context, resource, out);
    default:
      return refuse(out, ErrorCode::kInvalidRequest,
                    "Unsupported resource type: " + std::to_string(resource.type));
  }
}

}  // namespace

void handle_describe_configs(RequestContext context, DescribeConfigsRequest request,
                             Reply<DescribeConfigsResponse> reply) {
  drop_repeats(request.resources, [](const auto& r) { return std::pair(r.type, r.name); });
  DescribeConfigsResponse response;
  for (const DescribeConfigsRequest::Resource& resource : request.resources) {
    DescribeConfigsResponse::Result& out = response.results.emplace_back();
    out.type = resource.type;
    out.name = resource.name;
    out.message = "";  // as Kafka says it, not null
    describe(context, resource, out);
    for (DescribeConfigsResponse::Config& config : out.configs) {
      if (!request.include_synonyms) config.synonyms.clear();
      if (!request.include_documentation) config.documentation.reset();
    }
  }
  reply(response);
}

}  // namespace penstock::broker
