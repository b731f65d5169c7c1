#pragma once

#include <map>
#include <string>
#include <string_view>

#include "framework/base/error.h"

namespace penstock::rdkafka {

using SettingMap = std::map<std::string, std::string>;

enum class Role { kProducer, kConsumer, kAdmin };

/// What a client is made of: librdkafka's names.
struct ClientSettings {
  SettingMap values;
  /// Consumers only: where a partition without a stored offset begins: "earliest", "latest" or
  /// "none". Offsets that are out of range are always an error, so librdkafka's own
  /// auto.offset.reset is "error".
  std::string initial_offset = "earliest";
};

/// House settings, overridden by `worker` (plain client settings, then those behind "producer.",
/// "consumer." or "admin."), overridden by "producer.override." and so on of `connector`; other
/// keys of `connector` are not looked at. Java's names are translated. kInvalid: a setting that
/// neither librdkafka nor we know, or that would break the delivery guarantees; the text names it
/// as given.
Result<ClientSettings> client_settings(Role role, const SettingMap& worker,
                                       const SettingMap& connector);

}  // namespace penstock::rdkafka
