#pragma once

#include <vector>

#include "framework/connect/channel/messages.h"
#include "penstock/descriptor.h"

namespace penstock::connect {

/// What is wrong with the settings that are the framework's rather than the plugin's: converters,
/// errors.*, topic.creation.*, client overrides, topics.
std::vector<message::Problem> check_framework_settings(PluginKind kind, const ConfigMap& client,
                                                       const ConfigMap& config);

}  // namespace penstock::connect
