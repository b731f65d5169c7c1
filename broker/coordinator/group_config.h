#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "broker/coordinator/group.h"

// Settings of single groups (ConfigResource type GROUP, KIP-848), as administrators type them.
namespace penstock::broker {

using GroupConfig = std::map<std::string, std::string>;

struct GroupConfigDef {
  std::string_view name;
  std::string_view broker_name;  // whose value a group has that has none of its own
  std::string_view min_name;     // broker settings
  std::string_view max_name;
  std::int32_t GroupLimits::*value;
  std::int32_t GroupLimits::*min;
  std::int32_t GroupLimits::*max;
  std::int32_t least;  // whatever the broker's limits are
  std::string_view doc;
};
[[nodiscard]] std::span<const GroupConfigDef> group_config_defs();
/// nullptr: no such setting.
[[nodiscard]] const GroupConfigDef* find_group_config(std::string_view name);

/// What is wrong with the settings, `limits` being the broker's; nullopt when nothing is.
[[nodiscard]] std::optional<std::string> wrong_group_config(const GroupConfig& config,
                                                            const GroupLimits& limits);
/// The limits of a group with these settings. A value that the broker's limits, which may have
/// changed since it was stored, exclude counts as the nearest that they allow.
[[nodiscard]] GroupLimits with_group_config(GroupLimits limits, const GroupConfig& config);

}  // namespace penstock::broker
