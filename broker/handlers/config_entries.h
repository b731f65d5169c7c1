#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "broker/broker.h"
#include "broker/broker_config.h"
#include "broker/metadata/topic_config.h"
#include "framework/protocol/messages/create_topics.h"
#include "framework/protocol/messages/describe_configs.h"

// How settings look in answers.
namespace penstock::broker {

/// ConfigResource types and config sources, as on the wire.
inline constexpr std::int8_t kTopicResource = 2;
inline constexpr std::int8_t kBrokerResource = 4;
inline constexpr std::int8_t kLoggerResource = 8;
inline constexpr std::int8_t kClientMetricsResource = 16;
inline constexpr std::int8_t kGroupResource = 32;
enum class ConfigSource : std::int8_t {
  kTopic = 1,
  kBroker = 2,   // changed at run time, for this broker
  kCluster = 3,  // the same, for all
  kStaticBroker = 4,
  kDefault = 5,
  kLogger = 6,
  kGroup = 8,
};

using Synonyms = std::vector<protocol::DescribeConfigsResponse::Synonym>;

/// Where a broker setting's value comes from, what counts first: changed for this broker, for all,
/// typed in the properties file, Kafka's or our default; under its own name and its coarser ones.
[[nodiscard]] Synonyms broker_setting_values(std::string_view name, const Settings& settings,
                                             const BrokerConfig& config);
/// The topic's setting as an answer shows it; `overrides` and `settings` are the topic's.
[[nodiscard]] protocol::DescribeConfigsResponse::Config describe_topic_config(
    const TopicConfigDef& def, const Settings& broker, const BrokerConfig& config,
    const std::map<std::string, std::string>& overrides, const TopicSettings& settings);
/// The group's; `own` are its settings.
[[nodiscard]] protocol::DescribeConfigsResponse::Config describe_group_config(
    const GroupConfigDef& def, const Settings& broker, const BrokerConfig& config,
    const GroupConfig& own);
/// The broker's, from `key`.
[[nodiscard]] protocol::DescribeConfigsResponse::Config describe_broker_setting(
    const config::Key& key, const Settings& settings, const BrokerConfig& config);
/// Those changed at run time for all brokers.
[[nodiscard]] std::vector<protocol::DescribeConfigsResponse::Config> describe_cluster_settings(
    const BrokerConfig& config);
/// All settings of a topic, as CreateTopics v5 answers them.
[[nodiscard]] std::vector<protocol::CreateTopicsResponse::Config> created_configs(
    const Settings& broker, const BrokerConfig& config,
    const std::map<std::string, std::string>& overrides, const TopicSettings& settings);

}  // namespace penstock::broker
