#pragma once

#include <cstddef>
#include <string_view>

namespace penstock::connect {

[[nodiscard]] constexpr std::size_t base64_size(std::size_t bytes) { return (bytes + 2) / 3 * 4; }
/// Writes base64_size() characters with padding and returns the place behind them.
char* put_base64(char* to, std::string_view bytes);
/// Writes at most text.size() / 4 * 3 bytes; returns the place behind them, or nullptr when `text`
/// is no base64 (padding optional).
char* get_base64(char* to, std::string_view text);

}  // namespace penstock::connect
