#pragma once

#include <string>
#include <string_view>

namespace penstock::broker {

/// There is one logger, under the name of Kafka's.
inline constexpr std::string_view kRootLogger = "root";

/// How much the program logs, in Kafka's words: TRACE, DEBUG, INFO, WARN, ERROR, FATAL. Any thread.
[[nodiscard]] std::string log_level();
[[nodiscard]] bool is_log_level(std::string_view level);
/// Until the program ends; nothing for what is no level.
void set_log_level(std::string_view level);

}  // namespace penstock::broker
