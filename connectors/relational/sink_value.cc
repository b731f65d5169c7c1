#include "connectors/relational/sink_value.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>

#include "connectors/relational/numeric.h"
#include "connectors/relational/temporal.h"

namespace penstock::relational {
namespace {

constexpr std::size_t kShownValueMax = 60;
constexpr std::size_t kDecimalBytesMax = 1024;
constexpr std::int64_t kMicrosPerMilli = 1000;

std::string fixed_point(std::string digits, bool negative, std::int32_t scale) {
  if (scale > 0) {
    const auto behind = static_cast<std::size_t>(scale);
    if (digits.size() <= behind) digits.insert(0, behind + 1 - digits.size(), '0');
    digits.insert(digits.size() - behind, 1, '.');
  } else if (scale < 0 && digits != "0") {
    digits.append(static_cast<std::size_t>(-scale), '0');
  }
  return negative ? "-" + digits : digits;
}

std::string digits_of(std::string_view magnitude) {
  Magnitude number;
  for (const char c : magnitude) number.multiply_add(256, static_cast<unsigned char>(c));
  std::string digits;
  // A byte has less than 2.41 decimal digits.
  for (std::size_t i = 0; i <= magnitude.size() * 241 / 100; ++i) {
    digits += static_cast<char>('0' + number.divide(10));
  }
  while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
  return {digits.rbegin(), digits.rend()};
}

/// 12.500 without what adds nothing: 12.5; and whether there is no fraction.
std::string_view without_zeros(std::string_view text) {
  if (text.find('.') == std::string_view::npos) return text;
  while (text.back() == '0') text.remove_suffix(1);
  if (text.back() == '.') text.remove_suffix(1);
  return text;
}

std::string logical_text(Logical logical, std::int64_t value) {
  const std::int64_t micros =
      logical == Logical::kDate ? value * kMicrosPerDay : value * kMicrosPerMilli;
  std::string text = iso_text(micros, ' ');
  if (logical == Logical::kDate) return text.substr(0, text.find(' '));
  if (logical == Logical::kTime) text.erase(0, text.find(' ') + 1);
  if (const std::size_t point = text.find('.'); point != std::string::npos) {
    const std::size_t kept = value % 1000 == 0 ? point : point + 4;
    text.resize(std::min(text.size(), kept));
  }
  return text;
}

bool is_time(Logical logical) {
  return logical == Logical::kDate || logical == Logical::kTime || logical == Logical::kTimestamp;
}

constexpr std::array<std::int8_t, 256> base64_values() {
  std::array<std::int8_t, 256> out{};
  for (auto& v : out) v = -1;
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    out[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
  return out;
}

}  // namespace

std::optional<std::int64_t> integer_from_text(std::string_view text) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::optional<double> real_from_text(std::string_view text) {
  double out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::optional<std::string> base64_decoded(std::string_view text) {
  static constexpr auto kValues = base64_values();
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    const std::size_t padding = last && text[i + 3] == '=' ? (text[i + 2] == '=' ? 2U : 1U) : 0U;
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const int v = k >= 4 - padding ? 0 : kValues[static_cast<unsigned char>(text[i + k])];
      if (v < 0) return std::nullopt;
      bits = bits << 6 | static_cast<std::uint32_t>(v);
    }
    for (std::size_t k = 0; k < 3 - padding; ++k)
      out += static_cast<char>(static_cast<unsigned char>(bits >> (16 - 8 * k)));
  }
  return out;
}

std::string decimal_text(std::string_view unscaled, std::int32_t scale) {
  if (unscaled.size() > kDecimalBytesMax) throw Misfit("a Decimal of more than 1024 bytes");
  const bool negative = !unscaled.empty() && (static_cast<unsigned char>(unscaled[0]) & 0x80U) != 0;
  if (unscaled.size() <= 8) {
    std::uint64_t bits = negative ? ~std::uint64_t{0} : 0;
    for (const char c : unscaled) bits = bits << 8 | static_cast<unsigned char>(c);
    return fixed_point(std::to_string(negative ? ~bits + 1 : bits), negative, scale);
  }
  std::string magnitude(unscaled);
  if (negative) {
    unsigned carry = 1;
    for (std::size_t i = magnitude.size(); i-- > 0;) {
      carry += static_cast<unsigned char>(~static_cast<unsigned char>(magnitude[i]));
      magnitude[i] = static_cast<char>(static_cast<unsigned char>(carry));
      carry >>= 8;
    }
  }
  return fixed_point(digits_of(magnitude), negative, scale);
}

std::string real_text(double value, bool is_float32) {
  char text[32];
  const auto done = is_float32 ? std::to_chars(text, text + sizeof text, static_cast<float>(value))
                               : std::to_chars(text, text + sizeof text, value);
  return {text, done.ptr};
}

Value unwrap_any(const Value& any, std::string& buffer) {
  if (any.type == Type::kNull) return any;
  if (any.type != Type::kStruct || any.size != 2 || any.items[0].type != Type::kString) {
    throw Misfit("not a penstock.sqlite.Any");
  }
  const std::string_view type = any.items[0].text();
  if (type == "null") return Value::null();
  if (any.items[1].type != Type::kString) throw Misfit("a penstock.sqlite.Any without a value");
  const std::string_view text = any.items[1].text();
  if (type == "text") return any.items[1];
  if (type == "integer") {
    if (const auto number = integer_from_text(text)) return Value::integer(*number);
  } else if (type == "real") {
    if (const auto number = real_from_text(text)) return Value::float64(*number);
  } else if (type == "blob") {
    if (auto bytes = base64_decoded(text)) {
      buffer = std::move(*bytes);
      return Value::binary(buffer);
    }
  }
  throw Misfit("a penstock.sqlite.Any of type " + std::string(type) + " has the value " +
               std::string(text.substr(0, kShownValueMax)));
}

std::optional<std::int64_t> as_integer(const PlanColumn& column, const Value& value) {
  if (value.is_integer()) return value.i;
  if (value.type == Type::kBool) return value.b ? 1 : 0;
  if (value.is_float()) {
    constexpr double kLimit = 9223372036854775808.0;
    if (!(value.d >= -kLimit && value.d < kLimit) || value.d != std::trunc(value.d))
      return std::nullopt;
    return static_cast<std::int64_t>(value.d);
  }
  if (value.type == Type::kString) return integer_from_text(value.text());
  if (column.logical == Logical::kDecimal && value.type == Type::kBytes) {
    return integer_from_text(without_zeros(decimal_text(value.text(), column.scale)));
  }
  return std::nullopt;
}

std::optional<double> as_real(const PlanColumn& column, const Value& value) {
  if (value.is_float()) return value.d;
  if (value.is_integer()) {
    const auto real = static_cast<double>(value.i);
    if (real >= 9223372036854775808.0 || static_cast<std::int64_t>(real) != value.i)
      return std::nullopt;
    return real;
  }
  if (value.type == Type::kString) return real_from_text(value.text());
  if (column.logical == Logical::kDecimal && value.type == Type::kBytes) {
    return real_from_text(decimal_text(value.text(), column.scale));
  }
  return std::nullopt;
}

std::optional<bool> as_boolean(const PlanColumn& column, const Value& value) {
  static_cast<void>(column);
  if (value.type == Type::kBool) return value.b;
  if (value.is_integer() && (value.i == 0 || value.i == 1)) return value.i == 1;
  if (value.type == Type::kString && value.text() == "true") return true;
  if (value.type == Type::kString && value.text() == "false") return false;
  return std::nullopt;
}

std::optional<std::string_view> as_text(const PlanColumn& column, const Value& value,
                                        std::string& buffer) {
  if (value.type == Type::kString) return value.text();
  if (value.is_integer()) {
    buffer =
        is_time(column.logical) ? logical_text(column.logical, value.i) : std::to_string(value.i);
    return buffer;
  }
  if (value.is_float()) return buffer = real_text(value.d, value.type == Type::kFloat32);
  if (value.type == Type::kBool) return value.b ? "true" : "false";
  if (value.type == Type::kBytes && column.logical == Logical::kDecimal) {
    return buffer = decimal_text(value.text(), column.scale);
  }
  return std::nullopt;
}

std::optional<std::string_view> as_bytes(const PlanColumn& column, const Value& value,
                                         std::string& buffer) {
  if (value.type == Type::kBytes && column.logical != Logical::kDecimal) return value.text();
  if (value.type == Type::kString && column.schema == nullptr) {
    auto bytes = base64_decoded(value.text());
    if (!bytes) return std::nullopt;
    return buffer = std::move(*bytes);
  }
  return std::nullopt;
}

std::string_view type_name(const PlanColumn& column, const Value& value) {
  switch (column.logical) {
    case Logical::kDecimal:
      return "Decimal";
    case Logical::kDate:
      return "Date";
    case Logical::kTime:
      return "Time";
    case Logical::kTimestamp:
      return "Timestamp";
    case Logical::kSqliteAny:
    case Logical::kNone:
      break;
  }
  constexpr std::string_view kNames[] = {"null",  "absent", "BOOLEAN", "INT8",    "INT16",
                                         "INT32", "INT64",  "FLOAT32", "FLOAT64", "STRING",
                                         "BYTES", "ARRAY",  "MAP",     "STRUCT"};
  return kNames[static_cast<std::size_t>(value.type)];
}

std::string shown_value(const PlanColumn& column, const Value& value) {
  std::string buffer;
  if (value.is_null()) return "null";
  if (value.type == Type::kBytes && column.logical != Logical::kDecimal)
    return std::to_string(value.size) + " bytes";
  const auto text = as_text(column, value, buffer);
  if (!text) return "...";
  std::string out(text->substr(0, kShownValueMax));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  if (text->size() > kShownValueMax) out += "...";
  return value.type == Type::kString ? "'" + out + "'" : out;
}

Misfit does_not_fit(const PlanColumn& column, const Value& value) {
  return Misfit("value " + shown_value(column, value) + " (" +
                std::string(type_name(column, value)) + ") does not fit type " +
                (column.column.type.empty() ? "(none)" : column.column.type));
}

}  // namespace penstock::relational
