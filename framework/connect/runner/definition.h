#pragma once

#include <string>

#include "framework/base/error.h"
#include "framework/connect/channel/messages.h"
#include "framework/connect/plugin/library.h"

namespace penstock::connect {

/// All that a plugin declares.
message::Definition definition_message(const plugin::PluginLibrary& plugin);

/// The plugin file is there and, unless `sha256` is empty, still has that checksum.
Status check_file(const std::string& path, const std::string& sha256);

}  // namespace penstock::connect
