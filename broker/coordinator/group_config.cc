#include "broker/coordinator/group_config.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace penstock::broker {

namespace {

constexpr std::array kDefs = {
    GroupConfigDef{"consumer.heartbeat.interval.ms", "group.consumer.heartbeat.interval.ms",
                   "group.consumer.min.heartbeat.interval.ms",
                   "group.consumer.max.heartbeat.interval.ms", &GroupLimits::consumer_heartbeat_ms,
                   &GroupLimits::consumer_heartbeat_min_ms, &GroupLimits::consumer_heartbeat_max_ms,
                   1, "How often members of the consumer protocol are told to send heartbeats."},
    GroupConfigDef{"consumer.session.timeout.ms", "group.consumer.session.timeout.ms",
                   "group.consumer.min.session.timeout.ms", "group.consumer.max.session.timeout.ms",
                   &GroupLimits::consumer_session_timeout_ms,
                   &GroupLimits::consumer_session_timeout_min_ms,
                   &GroupLimits::consumer_session_timeout_max_ms, 1,
                   "How long a member of the consumer protocol may be silent."},
    GroupConfigDef{"consumer.assignment.interval.ms", "group.consumer.assignment.interval.ms",
                   "group.consumer.min.assignment.interval.ms",
                   "group.consumer.max.assignment.interval.ms",
                   &GroupLimits::consumer_assignment_interval_ms,
                   &GroupLimits::consumer_assignment_interval_min_ms,
                   &GroupLimits::consumer_assignment_interval_max_ms, 0,
                   "Shortest time between two assignments of the group."},
};

std::optional<std::int32_t> number(const std::string& text) {
  std::int32_t out = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, out);
  if (error != std::errc() || stop != end) return std::nullopt;
  return out;
}

}  // namespace

std::span<const GroupConfigDef> group_config_defs() { return kDefs; }

const GroupConfigDef* find_group_config(std::string_view name) {
  const auto at = std::find_if(kDefs.begin(), kDefs.end(),
                               [name](const auto& def) { return def.name == name; });
  return at == kDefs.end() ? nullptr : &*at;
}

std::optional<std::string> wrong_group_config(const GroupConfig& config,
                                              const GroupLimits& limits) {
  GroupLimits together = limits;
  for (const auto& [name, text] : config) {
    const GroupConfigDef* def = find_group_config(name);
    if (def == nullptr) return "Unknown group config name: " + name;
    const std::string invalid = "Invalid value " + text + " for configuration " + name + ": ";
    const auto value = number(text);
    if (!value) return invalid + "Not a number of type INT";
    if (*value < def->least)
      return invalid + "Value must be at least " + std::to_string(def->least);
    if (*value < limits.*def->min)
      return name + " must be greater than or equal to " + std::string(def->min_name);
    if (*value > limits.*def->max)
      return name + " must be less than or equal to " + std::string(def->max_name);
    together.*def->value = *value;
  }
  if (together.consumer_session_timeout_ms <= together.consumer_heartbeat_ms)
    return "consumer.session.timeout.ms must be greater than consumer.heartbeat.interval.ms";
  return std::nullopt;
}

GroupLimits with_group_config(GroupLimits limits, const GroupConfig& config) {
  for (const auto& [name, text] : config) {
    const GroupConfigDef* def = find_group_config(name);
    const auto value = number(text);
    if (def != nullptr && value)
      limits.*def->value = std::clamp(*value, limits.*def->min, limits.*def->max);
  }
  return limits;
}

}  // namespace penstock::broker
