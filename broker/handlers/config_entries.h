#pragma once

#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/metadata/topic_config.h"
#include "framework/protocol/messages/create_topics.h"
#include "framework/protocol/messages/describe_configs.h"

// How settings look in answers.
namespace penstock::broker {

/// ConfigResource types and config sources, as on the wire.
inline constexpr std::int8_t kTopicResource = 2;
inline constexpr std::int8_t kBrokerResource = 4;
enum class ConfigSource : std::int8_t { kTopic = 1, kStaticBroker = 4, kDefault = 5 };

/// The topic's setting as an answer shows it; `overrides` and `settings` are the topic's.
[[nodiscard]] protocol::DescribeConfigsResponse::Config describe_topic_config(
    const TopicConfigDef& def, const Broker& broker,
    const std::map<std::string, std::string>& overrides, const TopicSettings& settings);
/// All settings of a topic, as CreateTopics v5 answers them.
[[nodiscard]] std::vector<protocol::CreateTopicsResponse::Config> created_configs(
    const Broker& broker, const std::map<std::string, std::string>& overrides,
    const TopicSettings& settings);

}  // namespace penstock::broker
