#pragma once

#include <map>
#include <string>
#include <string_view>

#include "broker/coordinator/group_config.h"
#include "broker/topics.h"
#include "framework/base/error.h"

namespace penstock::broker {

/// Broker settings that were changed while it ran (KIP-226), and the topics' defaults that come of
/// them, and the settings of single groups. Immutable once it is published with the topics.
struct BrokerConfig {
  std::map<std::string, std::string> cluster;  // of all brokers, the resource ""
  std::map<std::string, std::string> own;      // of this broker; wins
  TopicSettings topic_defaults;                // the properties file's, with both on top
  std::map<std::string, GroupConfig, std::less<>> groups;
};

/// Whether a broker setting can be changed while the broker runs: those that are a topic setting's
/// default under one name. Their coarser spellings (log.retention.hours) cannot, as in Kafka.
[[nodiscard]] bool is_dynamic_setting(std::string_view name);

/// `file` are the defaults of the properties file. kInvalid names the setting and its value.
[[nodiscard]] Result<BrokerConfig> make_broker_config(const TopicSettings& file,
                                                      std::map<std::string, std::string> cluster,
                                                      std::map<std::string, std::string> own);

}  // namespace penstock::broker
