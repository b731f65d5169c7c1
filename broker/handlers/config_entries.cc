#include "broker/handlers/config_entries.h"

namespace penstock::broker {

using protocol::CreateTopicsResponse;
using protocol::DescribeConfigsResponse;

DescribeConfigsResponse::Config describe_topic_config(
    const TopicConfigDef& def, const Broker& broker,
    const std::map<std::string, std::string>& overrides, const TopicSettings& settings) {
  const std::string fallback = def.get(broker.settings().topic_defaults);
  const ConfigSource below =
      fallback == def.get(TopicSettings()) ? ConfigSource::kDefault : ConfigSource::kStaticBroker;
  const bool overridden = overrides.contains(std::string(def.name));
  DescribeConfigsResponse::Config out;
  out.name = def.name;
  // A list as it was typed: Kafka keeps its order.
  out.value = overridden && def.type == ConfigType::kList ? overrides.at(std::string(def.name))
                                                          : def.get(settings);
  out.source = static_cast<std::int8_t>(overridden ? ConfigSource::kTopic : below);
  out.type = static_cast<std::int8_t>(def.type);
  out.documentation = def.doc;
  if (overridden) out.synonyms.push_back({out.name, out.value, out.source});
  out.synonyms.push_back({std::string(def.broker_name), fallback, static_cast<std::int8_t>(below)});
  return out;
}

std::vector<CreateTopicsResponse::Config> created_configs(
    const Broker& broker, const std::map<std::string, std::string>& overrides,
    const TopicSettings& settings) {
  std::vector<CreateTopicsResponse::Config> out;
  for (const TopicConfigDef& def : topic_config_defs()) {
    const DescribeConfigsResponse::Config config =
        describe_topic_config(def, broker, overrides, settings);
    out.push_back({config.name, config.value, config.read_only, config.source, config.sensitive});
  }
  return out;
}

}  // namespace penstock::broker
