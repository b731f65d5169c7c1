#include "framework/connect/convert/base64.h"

#include <array>
#include <cstdint>

namespace penstock::connect {
namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNoDigit = 0xFF;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> out{};
  for (auto& value : out) value = kNoDigit;
  for (std::size_t i = 0; i < kDigits.size(); ++i)
    out[static_cast<std::uint8_t>(kDigits[i])] = static_cast<std::uint8_t>(i);
  return out;
}
constexpr auto kValues = make_values();

std::uint32_t byte_at(std::string_view bytes, std::size_t i) {
  return static_cast<std::uint8_t>(bytes[i]);
}

}  // namespace

char* put_base64(char* to, std::string_view bytes) {
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t group =
        byte_at(bytes, i) << 16 | byte_at(bytes, i + 1) << 8 | byte_at(bytes, i + 2);
    *to++ = kDigits[group >> 18];
    *to++ = kDigits[(group >> 12) & 63];
    *to++ = kDigits[(group >> 6) & 63];
    *to++ = kDigits[group & 63];
  }
  const auto rest = bytes.size() - i;
  if (rest == 0) return to;
  const std::uint32_t group =
      byte_at(bytes, i) << 16 | (rest == 2 ? byte_at(bytes, i + 1) << 8 : 0);
  *to++ = kDigits[group >> 18];
  *to++ = kDigits[(group >> 12) & 63];
  *to++ = rest == 2 ? kDigits[(group >> 6) & 63] : '=';
  *to++ = '=';
  return to;
}

char* get_base64(char* to, std::string_view text) {
  while (!text.empty() && text.back() == '=' && text.size() % 4 != 1) {
    text.remove_suffix(1);
    if (text.size() % 4 == 2) break;
  }
  if (text.size() % 4 == 1) return nullptr;
  std::uint32_t group = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const auto value = kValues[static_cast<std::uint8_t>(c)];
    if (value == kNoDigit) return nullptr;
    group = group << 6 | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      *to++ = static_cast<char>(group >> bits);
    }
  }
  // Bits that no byte holds must be zero, else two texts would mean the same bytes.
  if (bits > 0 && (group & ((1U << bits) - 1)) != 0) return nullptr;
  return to;
}

}  // namespace penstock::connect
