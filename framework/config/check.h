#pragma once
// Inner part of Definition: one value against its key.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "framework/config/definition.h"

namespace penstock::config {

/// Longest value that is matched against a pattern: std::regex recurses once a character.
inline constexpr std::size_t kPatternBytesMax = 2048;

using Parsed = std::variant<std::monostate, std::int64_t, double, bool>;

/// The value as its kind, or what is wrong with it ("Not a number of type INT").
struct CheckedValue {
  Parsed value;
  std::string wrong;  // "" when fine
};
CheckedValue check_text(const Key& key, std::string_view value);
std::vector<std::string_view> alternatives(std::string_view one_of);
/// "mode=a|b" as {"mode", {"a", "b"}}; the name is empty when it is not of this form.
struct When {
  std::string_view name;
  std::vector<std::string_view> values;
};
When parse_when(std::string_view text);

}  // namespace penstock::config
