#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "broker/topics.h"
#include "framework/base/error.h"

namespace penstock::broker {

/// As in DescribeConfigs v3.
enum class ConfigType : std::int8_t {
  kBoolean = 1,
  kString = 2,
  kInt = 3,
  kShort = 4,
  kLong = 5,
  kDouble = 6,
  kList = 7,
  kPassword = 9,
};

/// One setting of a topic, under Kafka's name. What is not in the list is refused.
struct TopicConfigDef {
  std::string_view name;
  std::string_view broker_name;  // the broker setting that gives the default, e.g. log.retention.ms
  ConfigType type;
  std::string_view doc;
  /// Checks and sets; kInvalid with the reason alone.
  Status (*set)(TopicSettings& settings, std::string_view value);
  std::string (*get)(const TopicSettings& settings);
  bool fixed = false;  // it has one value: nothing else is possible here
};

/// By name.
[[nodiscard]] std::span<const TopicConfigDef> topic_config_defs();
[[nodiscard]] const TopicConfigDef* find_topic_config(std::string_view name);

/// What no setting can say alone: limits that exclude each other. kInvalid.
[[nodiscard]] Status check_together(const TopicSettings& settings);

/// The broker's defaults with a topic's overrides on top. kInvalid names the setting and its value.
[[nodiscard]] Result<TopicSettings> with_overrides(
    const TopicSettings& defaults, const std::map<std::string, std::string>& overrides);

}  // namespace penstock::broker
