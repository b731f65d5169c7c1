#include "framework/config/value.h"

#include <cctype>
#include <charconv>
#include <cmath>
#include <span>
#include <string>
#include <system_error>

namespace penstock::config {
namespace {

struct Unit {
  std::string_view name;  // lower case
  std::int64_t factor;
};
constexpr Unit kDurations[] = {{"", 1},       {"ms", 1},        {"s", 1000},
                               {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
constexpr std::int64_t kKi = 1024, kMi = kKi * 1024, kGi = kMi * 1024, kTi = kGi * 1024;
constexpr Unit kSizes[] = {{"", 1},      {"b", 1},    {"k", kKi},   {"kb", kKi}, {"kib", kKi},
                           {"m", kMi},   {"mb", kMi}, {"mib", kMi}, {"g", kGi},  {"gb", kGi},
                           {"gib", kGi}, {"t", kTi},  {"tb", kTi},  {"tib", kTi}};

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

std::optional<std::int64_t> with_unit(std::string_view text, std::span<const Unit> units) {
  text = trim(text);
  std::size_t digits = text.empty() ? 0 : (text[0] == '-' || text[0] == '+' ? 1 : 0);
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  const auto count = parse_integer(text.substr(0, digits));
  if (!count) return std::nullopt;
  std::string name;
  for (const char c : trim(text.substr(digits))) name += lower(c);
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    std::int64_t out = 0;
    if (__builtin_mul_overflow(*count, unit.factor, &out)) return std::nullopt;
    return out;
  }
  return std::nullopt;
}

}  // namespace

std::string_view trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())))
    text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
    text.remove_suffix(1);
  return text;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  text = trim(text);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return out;
}

std::optional<double> parse_real(std::string_view text) {
  text = trim(text);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  double out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty() ||
      !std::isfinite(out))
    return std::nullopt;
  return out;
}

std::optional<bool> parse_flag(std::string_view text) {
  std::string low;
  for (const char c : trim(text)) low += lower(c);
  if (low == "true") return true;
  if (low == "false") return false;
  return std::nullopt;
}

std::optional<std::int64_t> parse_duration_ms(std::string_view text) {
  return with_unit(text, kDurations);
}
std::optional<std::int64_t> parse_bytes(std::string_view text) { return with_unit(text, kSizes); }

std::vector<std::string_view> parse_list(std::string_view text) {
  std::vector<std::string_view> out;
  if (trim(text).empty()) return out;
  while (true) {
    const std::size_t comma = text.find(',');
    out.push_back(trim(text.substr(0, comma)));
    if (comma == std::string_view::npos) return out;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace penstock::config
