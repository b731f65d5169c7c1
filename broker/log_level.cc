#include "broker/log_level.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <utility>

namespace penstock::broker {

namespace {
constexpr std::array<std::pair<std::string_view, spdlog::level::level_enum>, 6> kLevels = {{
    {"TRACE", spdlog::level::trace},
    {"DEBUG", spdlog::level::debug},
    {"INFO", spdlog::level::info},
    {"WARN", spdlog::level::warn},
    {"ERROR", spdlog::level::err},
    {"FATAL", spdlog::level::critical},
}};
}  // namespace

std::string log_level() {
  for (const auto& [name, level] : kLevels) {
    if (level == spdlog::get_level()) return std::string(name);
  }
  return "OFF";
}

bool is_log_level(std::string_view level) {
  return std::any_of(kLevels.begin(), kLevels.end(),
                     [level](const auto& each) { return each.first == level; });
}

void set_log_level(std::string_view level) {
  for (const auto& [name, value] : kLevels) {
    if (name == level) spdlog::set_level(value);
  }
}

}  // namespace penstock::broker
