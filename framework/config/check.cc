#include "framework/config/check.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <regex>

#include "framework/config/value.h"

namespace penstock::config {
namespace {

std::string number_text(double x) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, x).ptr;
  return {buffer, end};
}

CheckedValue parse(Kind kind, std::string_view value) {
  const auto wrap = [](const auto& parsed, const char* wrong) -> CheckedValue {
    if (!parsed) return {{}, wrong};
    return {*parsed, ""};
  };
  switch (kind) {
    case Kind::kInt: {
      auto number = parse_integer(value);
      using Limits = std::numeric_limits<std::int32_t>;
      if (number && (*number < Limits::min() || *number > Limits::max())) number.reset();
      return wrap(number, "Not a number of type INT");
    }
    case Kind::kLong:
      return wrap(parse_integer(value), "Not a number of type LONG");
    case Kind::kDouble:
      return wrap(parse_real(value), "Not a number of type DOUBLE");
    case Kind::kBool:
      return wrap(parse_flag(value), "Expected value to be either true or false");
    case Kind::kDuration:
      return wrap(parse_duration_ms(value),
                  "Not a duration: give milliseconds, or a number with ms, s, m, h or d");
    case Kind::kBytes:
      return wrap(parse_bytes(value),
                  "Not a size: give bytes, or a number with KiB, MiB, GiB or TiB");
    default:
      return {};
  }
}

std::string out_of_bounds(const Key& key, const Parsed& value) {
  if (key.min == 0 && key.max == 0) return {};
  double number = 0;
  if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    number = static_cast<double>(*whole);
  } else if (const auto* real = std::get_if<double>(&value)) {
    number = *real;
  } else {
    return {};
  }
  if (number < key.min) return "Value must be at least " + number_text(key.min);
  if (key.max >= key.min && number > key.max)
    return "Value must be no more than " + number_text(key.max);
  return {};
}

std::string not_an_alternative(const Key& key, std::string_view value) {
  if (key.one_of.empty()) return {};
  const auto allowed = alternatives(key.one_of);
  const auto known = [&allowed](std::string_view item) {
    return std::find(allowed.begin(), allowed.end(), item) != allowed.end();
  };
  const auto items =
      key.kind == Kind::kList ? parse_list(value) : std::vector<std::string_view>{value};
  if (std::all_of(items.begin(), items.end(), known)) return {};
  std::string out =
      key.kind == Kind::kList ? "Each item must be one of: " : "String must be one of: ";
  for (std::size_t i = 0; i < allowed.size(); ++i)
    out.append(i == 0 ? "" : ", ").append(allowed[i]);
  return out;
}

std::string no_match(const Key& key, std::string_view value) {
  if (key.pattern.empty()) return {};
  if (value.size() > kPatternBytesMax)
    return "Longer than " + std::to_string(kPatternBytesMax) + " bytes";
  try {
    const std::regex pattern(key.pattern, std::regex::ECMAScript);
    if (std::regex_match(value.begin(), value.end(), pattern)) return {};
    return "Must match " + key.pattern;
  } catch (const std::regex_error& error) {
    return "Cannot be matched against " + key.pattern + ": " + error.what();
  }
}

}  // namespace

std::vector<std::string_view> alternatives(std::string_view one_of) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t bar = one_of.find('|');
    out.push_back(one_of.substr(0, bar));
    if (bar == std::string_view::npos) return out;
    one_of.remove_prefix(bar + 1);
  }
}

When parse_when(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return {};
  return {text.substr(0, equals), alternatives(text.substr(equals + 1))};
}

CheckedValue check_text(const Key& key, std::string_view value) {
  CheckedValue out = parse(key.kind, value);
  if (out.wrong.empty()) out.wrong = out_of_bounds(key, out.value);
  if (out.wrong.empty()) out.wrong = not_an_alternative(key, value);
  if (out.wrong.empty()) out.wrong = no_match(key, value);
  return out;
}

}  // namespace penstock::config
