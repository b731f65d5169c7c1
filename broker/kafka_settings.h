#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "framework/config/definition.h"

namespace penstock::broker {

/// A setting of Apache Kafka's broker that this one does not have, and what becomes of it, so that
/// a server.properties that was written for Kafka either starts or says why not.
struct KafkaSetting {
  std::string_view name;  // "ssl.*": a family, of Kafka's names that no longer entry names
  /// "*": any value is taken, with a warning, because it changes nothing here. Else the values that
  /// change nothing, "a|b"; all others are errors. Nothing at all is always fine.
  std::string_view harmless;
  std::string_view why;
};

[[nodiscard]] std::span<const KafkaSetting> kafka_settings();
/// Whether a family above really has this member.
[[nodiscard]] bool is_name_of_kafkas(std::string_view name);
/// By name, or the longest family; nullptr: Kafka does not know it either.
[[nodiscard]] const KafkaSetting* find_kafka_setting(std::string_view name);

/// Takes what is only Kafka's out of `given`, leaving what `ours` defines. `notes` gets a line for
/// each setting that changes nothing, `problems` what cannot be honoured.
void take_kafka_settings(const config::Definition& ours, config::Map& given,
                         std::vector<std::string>& notes, std::vector<config::Problem>& problems);

/// Leaves in listeners and advertised.listeners what clients can connect to: entries that
/// controller.listener.names names go, and those that listener.security.protocol.map calls
/// PLAINTEXT are written so.
void take_controller_listeners(config::Map& given, std::vector<config::Problem>& problems);

}  // namespace penstock::broker
