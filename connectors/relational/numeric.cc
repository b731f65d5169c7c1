#include "connectors/relational/numeric.h"

#include <charconv>
#include <stdexcept>
#include <string>

namespace penstock::relational {
namespace {

constexpr int kDigitsMax = 1000;

}  // namespace

NumericMapping numeric_mapping_of(std::string_view setting) {
  if (setting == "none") return NumericMapping::kNone;
  if (setting == "best_fit") return NumericMapping::kBestFit;
  if (setting == "precision_only") return NumericMapping::kPrecisionOnly;
  throw std::invalid_argument("numeric.mapping: unknown value " + std::string(setting));
}

Type numeric_type(int precision, int scale, NumericMapping mapping) {
  // 18 digits always fit an int64. More stay exact as Decimal under every mapping.
  if (mapping == NumericMapping::kNone || precision > 18 || precision < 1) return Type::kBytes;
  if (scale > 0) return mapping == NumericMapping::kBestFit ? Type::kFloat64 : Type::kBytes;
  if (scale < 0) return Type::kBytes;
  if (precision > 9) return Type::kInt64;
  if (precision > 4) return Type::kInt32;
  return precision > 2 ? Type::kInt16 : Type::kInt8;
}

const Schema* decimal_schema(int precision, int scale, bool optional, Context& context) {
  const std::string scale_text = std::to_string(scale);
  const std::string precision_text = std::to_string(precision);
  const Parameter parameters[] = {{"scale", scale_text},
                                  {"connect.decimal.precision", precision_text}};
  return context.schema({.type = Type::kBytes,
                         .optional = optional,
                         .name = logical::kDecimal,
                         .version = 1,
                         .parameters = parameters});
}

Value decimal_value(Int128 unscaled, Block& block) {
  char bytes[16];
  Int128 rest = unscaled;
  for (int i = 15; i >= 0; --i) {
    bytes[i] = static_cast<char>(static_cast<unsigned char>(rest & 0xff));
    rest >>= 8;
  }
  std::size_t skip = 0;
  const char fill = unscaled < 0 ? static_cast<char>(0xff) : '\0';
  while (skip < 15 && bytes[skip] == fill && ((bytes[skip + 1] ^ fill) & 0x80) == 0) ++skip;
  return Value::binary(block.copy({bytes + skip, 16 - skip}));
}

void Magnitude::multiply_add(std::uint32_t factor, std::uint32_t addend) {
  std::uint64_t carry = addend;
  for (std::uint32_t& limb : limbs_) {
    carry += static_cast<std::uint64_t>(limb) * factor;
    limb = static_cast<std::uint32_t>(carry);
    carry >>= 32;
  }
  if (carry != 0) limbs_.push_back(static_cast<std::uint32_t>(carry));
}

std::uint32_t Magnitude::divide(std::uint32_t divisor) {
  std::uint64_t remainder = 0;
  for (std::size_t i = limbs_.size(); i-- > 0;) {
    const std::uint64_t value = (remainder << 32) | limbs_[i];
    limbs_[i] = static_cast<std::uint32_t>(value / divisor);
    remainder = value % divisor;
  }
  while (!limbs_.empty() && limbs_.back() == 0) limbs_.pop_back();
  return static_cast<std::uint32_t>(remainder);
}

Value Magnitude::decimal(bool negative, Block& block) const {
  std::string bytes(1, '\0');  // room for the sign
  for (std::size_t i = limbs_.size(); i-- > 0;) {
    for (int shift = 24; shift >= 0; shift -= 8)
      bytes += static_cast<char>(static_cast<unsigned char>(limbs_[i] >> shift));
  }
  if (negative) {
    unsigned carry = 1;
    for (std::size_t i = bytes.size(); i-- > 0;) {
      carry += static_cast<unsigned char>(~static_cast<unsigned char>(bytes[i]));
      bytes[i] = static_cast<char>(static_cast<unsigned char>(carry));
      carry >>= 8;
    }
  }
  std::size_t skip = 0;
  while (skip + 1 < bytes.size() && (bytes[skip] == '\0' || bytes[skip] == '\xff') &&
         ((bytes[skip] ^ bytes[skip + 1]) & 0x80) == 0) {
    ++skip;
  }
  return Value::binary(block.copy(std::string_view(bytes).substr(skip)));
}

std::optional<Value> decimal_from_text(std::string_view text, int scale, Block& block) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int exponent = 0;
  if (const std::size_t e = text.find_first_of("eE"); e != std::string_view::npos) {
    const char* first = text.data() + e + 1;
    const char* last = text.data() + text.size();
    if (first != last && *first == '+') ++first;
    const auto [end, error] = std::from_chars(first, last, exponent);
    if (error != std::errc{} || end != last || exponent > kDigitsMax || exponent < -kDigitsMax)
      return std::nullopt;
    text = text.substr(0, e);
  }
  Magnitude number;
  int digits = 0, behind = 0;
  bool point = false;
  for (const char c : text) {
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9' || ++digits > kDigitsMax) return std::nullopt;
    number.multiply_add(10, static_cast<std::uint32_t>(c - '0'));
    behind += point ? 1 : 0;
  }
  if (digits == 0) return std::nullopt;
  int shift = scale + exponent - behind;
  for (; shift > 0; --shift) number.multiply_add(10, 0);
  for (; shift < 0; ++shift) {
    if (number.divide(10) != 0) return std::nullopt;
  }
  return number.decimal(negative, block);
}

}  // namespace penstock::relational
