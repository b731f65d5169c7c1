#pragma once
// Java's .properties format (java.util.Properties.load), read as UTF-8.

#include <string>
#include <string_view>

#include "framework/base/error.h"
#include "framework/config/definition.h"

namespace penstock::config {

/// Files larger than this are refused.
inline constexpr std::size_t kPropertiesBytesMax = 1024 * 1024;

/// Comments, '=', ':' or white space after the key, escapes, continued lines. A key that comes
/// twice has its last value. Errors: kInvalid, with the line.
Result<Map> parse_properties(std::string_view text);

/// Errors name the file.
Result<Map> load_properties(const std::string& path);

}  // namespace penstock::config
