#include "broker/handlers/config_entries.h"

#include <algorithm>
#include <utility>

#include "framework/config/definition.h"

namespace penstock::broker {

using protocol::CreateTopicsResponse;
using protocol::DescribeConfigsResponse;

namespace {

/// A setting and the coarser ones that stand in for it, finest first.
std::vector<std::string_view> spellings(std::string_view name) {
  if (name == "log.retention.ms")
    return {"log.retention.ms", "log.retention.minutes", "log.retention.hours"};
  if (name == "log.roll.ms") return {"log.roll.ms", "log.roll.hours"};
  if (name == "log.roll.jitter.ms") return {"log.roll.jitter.ms", "log.roll.jitter.hours"};
  return {name};
}

const config::Key* find_key(std::string_view name) {
  static const std::vector<config::Key> keys = setting_keys();
  const auto found = std::find_if(keys.begin(), keys.end(),
                                  [name](const config::Key& key) { return key.name == name; });
  return found == keys.end() ? nullptr : &*found;
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
    case config::Kind::kPassword:
      return ConfigType::kPassword;
    case config::Kind::kString:
      break;
  }
  return ConfigType::kString;
}

}  // namespace

Synonyms broker_setting_values(std::string_view name, const Settings& settings,
                               const BrokerConfig& config) {
  Synonyms out;
  const auto names = spellings(name);
  const auto add_typed = [&](const std::map<std::string, std::string>& values,
                             ConfigSource source) {
    for (const std::string_view each : names) {
      const auto found = values.find(std::string(each));
      if (found != values.end())
        out.push_back({found->first, found->second, static_cast<std::int8_t>(source)});
    }
  };
  add_typed(config.own, ConfigSource::kBroker);
  add_typed(config.cluster, ConfigSource::kCluster);
  add_typed(settings.given, ConfigSource::kStaticBroker);
  for (const std::string_view each : names) {
    const config::Key* key = find_key(each);
    if (key != nullptr && key->fallback && !key->fallback->empty())
      out.push_back({key->name, *key->fallback, static_cast<std::int8_t>(ConfigSource::kDefault)});
  }
  return out;
}

DescribeConfigsResponse::Config describe_topic_config(
    const TopicConfigDef& def, const Settings& broker, const BrokerConfig& config,
    const std::map<std::string, std::string>& overrides, const TopicSettings& settings) {
  const auto typed = overrides.find(std::string(def.name));
  const bool overridden = typed != overrides.end();
  DescribeConfigsResponse::Config out;
  out.name = def.name;
  // A list as it was typed: Kafka keeps its order.
  out.value = overridden && def.type == ConfigType::kList ? typed->second : def.get(settings);
  out.type = static_cast<std::int8_t>(def.type);
  out.documentation = def.doc;
  if (overridden)
    out.synonyms.push_back({out.name, out.value, static_cast<std::int8_t>(ConfigSource::kTopic)});
  for (auto& synonym : broker_setting_values(def.broker_name, broker, config)) {
    // The defaults of its coarser spellings (log.retention.hours) are not the topic's.
    if (synonym.source == static_cast<std::int8_t>(ConfigSource::kDefault) &&
        synonym.name != def.broker_name)
      continue;
    out.synonyms.push_back(std::move(synonym));
  }
  out.source = out.synonyms.empty() ? static_cast<std::int8_t>(ConfigSource::kDefault)
                                    : out.synonyms.front().source;
  return out;
}

DescribeConfigsResponse::Config describe_group_config(const GroupConfigDef& def,
                                                      const Settings& broker,
                                                      const BrokerConfig& config,
                                                      const GroupConfig& own) {
  DescribeConfigsResponse::Config out;
  out.name = def.name;
  out.type = static_cast<std::int8_t>(ConfigType::kInt);
  out.documentation = def.doc;
  if (const auto set = own.find(out.name); set != own.end()) {
    out.synonyms.push_back({out.name, set->second, static_cast<std::int8_t>(ConfigSource::kGroup)});
  }
  for (auto& synonym : broker_setting_values(def.broker_name, broker, config))
    out.synonyms.push_back(std::move(synonym));
  out.value = out.synonyms.front().value;
  out.source = out.synonyms.front().source;
  return out;
}

DescribeConfigsResponse::Config describe_broker_setting(const config::Key& key,
                                                        const Settings& settings,
                                                        const BrokerConfig& config) {
  DescribeConfigsResponse::Config out;
  out.name = key.name;
  out.read_only = !is_dynamic_setting(key.name);
  out.type = static_cast<std::int8_t>(type_of(key.kind));
  out.documentation = key.doc;
  out.sensitive = key.kind == config::Kind::kPassword;
  out.synonyms = broker_setting_values(key.name, settings, config);
  const auto own = std::find_if(out.synonyms.begin(), out.synonyms.end(),
                                [&key](const auto& each) { return each.name == key.name; });
  if (own != out.synonyms.end()) out.value = own->value;
  out.source =
      own == out.synonyms.end() ? static_cast<std::int8_t>(ConfigSource::kDefault) : own->source;
  if (out.sensitive) {
    out.value.reset();
    for (auto& synonym : out.synonyms) synonym.value.reset();
  }
  return out;
}

std::vector<DescribeConfigsResponse::Config> describe_cluster_settings(const BrokerConfig& config) {
  std::vector<DescribeConfigsResponse::Config> out;
  for (const auto& [name, value] : config.cluster) {
    const config::Key* key = find_key(name);
    if (key == nullptr) continue;
    DescribeConfigsResponse::Config& entry = out.emplace_back();
    entry.name = name;
    entry.value = value;
    entry.source = static_cast<std::int8_t>(ConfigSource::kCluster);
    entry.type = static_cast<std::int8_t>(type_of(key->kind));
    entry.documentation = key->doc;
    entry.synonyms.push_back({name, value, entry.source});
  }
  return out;
}

std::vector<CreateTopicsResponse::Config> created_configs(
    const Settings& broker, const BrokerConfig& config,
    const std::map<std::string, std::string>& overrides, const TopicSettings& settings) {
  std::vector<CreateTopicsResponse::Config> out;
  for (const TopicConfigDef& def : topic_config_defs()) {
    DescribeConfigsResponse::Config entry =
        describe_topic_config(def, broker, config, overrides, settings);
    out.push_back({std::move(entry.name), std::move(entry.value), entry.read_only, entry.source,
                   entry.sensitive});
  }
  return out;
}

}  // namespace penstock::broker
