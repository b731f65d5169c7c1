#pragma once
// The text forms of single values. Each returns nullopt for text that is not exactly such a value.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace penstock::config {

/// Decimal, an optional sign, spaces around it ignored.
std::optional<std::int64_t> parse_integer(std::string_view text);
/// Finite numbers only.
std::optional<double> parse_real(std::string_view text);
/// true or false in any case, as Kafka takes them.
std::optional<bool> parse_flag(std::string_view text);
/// Milliseconds: "250", "250ms", "5s", "2m", "1h", "7d".
std::optional<std::int64_t> parse_duration_ms(std::string_view text);
/// Bytes: "1048576", "64KiB", "1MiB", "1GiB", "512B"; KB, MB, GB and k, m, g are powers of 1024
/// too.
std::optional<std::int64_t> parse_bytes(std::string_view text);
/// Items between commas, spaces around them dropped; "" has none. Views into `text`.
std::vector<std::string_view> parse_list(std::string_view text);
std::string_view trim(std::string_view text);

}  // namespace penstock::config
