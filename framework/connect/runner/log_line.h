#pragma once

#include <string_view>

#include "penstock/plugin.h"

namespace penstock::connect {

/// "WARN task 0: text" to stderr, which the worker reads line by line, in one write. Control
/// characters become spaces; beyond a few hundred lines a second further ones are counted instead.
/// Any thread.
void write_log_line(LogLevel level, std::string_view who, std::string_view text);

}  // namespace penstock::connect
