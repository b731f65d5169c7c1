#include "framework/connect/convert/decimal.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <vector>

namespace penstock::connect {
namespace {

constexpr std::size_t kDigitsMax = 10'000;
constexpr std::uint32_t kLimb = 1'000'000'000;
constexpr std::size_t kLimbDigits = 9;

/// Two's complement in place.
void negate(std::string& bytes) {
  unsigned carry = 1;
  for (auto at = bytes.rbegin(); at != bytes.rend(); ++at) {
    const unsigned sum = (~static_cast<unsigned>(static_cast<std::uint8_t>(*at)) & 0xFFU) + carry;
    *at = static_cast<char>(sum);
    carry = sum >> 8;
  }
}

/// Digits of an unsigned big-endian number, without leading zeros; "0" for zero.
std::string digits_of(const std::string& magnitude) {
  std::vector<std::uint32_t> limbs;  // least significant first
  for (const char c : magnitude) {
    std::uint64_t carry = static_cast<std::uint8_t>(c);
    for (auto& limb : limbs) {
      const std::uint64_t next = static_cast<std::uint64_t>(limb) * 256 + carry;
      limb = static_cast<std::uint32_t>(next % kLimb);
      carry = next / kLimb;
    }
    if (carry > 0) limbs.push_back(static_cast<std::uint32_t>(carry));
  }
  if (limbs.empty()) return "0";
  std::string out = std::to_string(limbs.back());
  for (auto at = limbs.rbegin() + 1; at != limbs.rend(); ++at) {
    const auto part = std::to_string(*at);
    out.append(kLimbDigits - part.size(), '0').append(part);
  }
  return out;
}

std::string magnitude_of(std::string_view digits) {
  std::string little_endian;
  for (const char c : digits) {
    unsigned carry = static_cast<unsigned>(c - '0');
    for (char& byte : little_endian) {
      const unsigned next = static_cast<unsigned>(static_cast<std::uint8_t>(byte)) * 10 + carry;
      byte = static_cast<char>(next);
      carry = next >> 8;
    }
    if (carry > 0) little_endian.push_back(static_cast<char>(carry));
  }
  std::reverse(little_endian.begin(), little_endian.end());
  return little_endian;
}

bool all_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string decimal_text(std::string_view unscaled, int scale) {
  std::string magnitude(unscaled);
  const bool negative =
      !magnitude.empty() && (static_cast<std::uint8_t>(magnitude[0]) & 0x80U) != 0;
  if (negative) negate(magnitude);
  std::string digits = digits_of(magnitude);
  if (scale < 0 && digits != "0") digits.append(static_cast<std::size_t>(-scale), '0');
  if (scale > 0) {
    const auto places = static_cast<std::size_t>(scale);
    if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
    digits.insert(digits.size() - places, 1, '.');
  }
  return negative ? "-" + digits : digits;
}

std::optional<std::string> decimal_bytes(std::string_view text, int scale) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int exponent = 0;
  if (const auto e = text.find_first_of("eE"); e != std::string_view::npos) {
    auto part = text.substr(e + 1);
    if (part.starts_with('+')) part.remove_prefix(1);
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), exponent);
    if (error != std::errc() || end != part.data() + part.size()) return std::nullopt;
    text = text.substr(0, e);
  }
  const auto point = text.find('.');
  std::string digits(text.substr(0, point));
  const std::string_view fraction = point == std::string_view::npos ? "" : text.substr(point + 1);
  digits += fraction;
  if (digits.empty() || digits.size() > kDigitsMax || !all_digits(digits)) return std::nullopt;
  // value = digits * 10^(exponent - fraction); wanted: digits * 10^-scale
  const auto shift =
      static_cast<std::int64_t>(exponent) - static_cast<std::int64_t>(fraction.size()) + scale;
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.empty()) return std::string(1, '\0');
  if (shift > static_cast<std::int64_t>(kDigitsMax)) return std::nullopt;
  if (shift >= 0) digits.append(static_cast<std::size_t>(shift), '0');
  for (auto i = shift; i < 0; ++i) {
    if (digits.empty() || digits.back() != '0') return std::nullopt;
    digits.pop_back();
  }
  std::string bytes = magnitude_of(digits);
  if ((static_cast<std::uint8_t>(bytes[0]) & 0x80U) != 0) bytes.insert(0, 1, '\0');
  if (negative) {
    negate(bytes);
    // -128 and the like need no extra sign byte.
    while (bytes.size() > 1 && static_cast<std::uint8_t>(bytes[0]) == 0xFF &&
           (static_cast<std::uint8_t>(bytes[1]) & 0x80U) != 0) {
      bytes.erase(0, 1);
    }
  }
  return bytes;
}

}  // namespace penstock::connect
