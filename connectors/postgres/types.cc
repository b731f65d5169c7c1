#include "connectors/postgres/types.h"

#include <bit>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>

#include "connectors/relational/numeric.h"
#include "connectors/relational/temporal.h"

namespace penstock::postgres {
namespace {

using relational::Column;
using relational::Granularity;
using relational::Int128;

// pg_type.dat
constexpr Oid kOidBool = 16, kOidBytea = 17, kOidName = 19, kOidInt8 = 20, kOidInt2 = 21,
              kOidInt4 = 23, kOidText = 25, kOidOid = 26, kOidJson = 114, kOidFloat4 = 700,
              kOidFloat8 = 701, kOidBpchar = 1042, kOidVarchar = 1043, kOidDate = 1082,
              kOidTime = 1083, kOidTimestamp = 1114, kOidTimestamptz = 1184, kOidNumeric = 1700,
              kOidJsonb = 3802;

constexpr std::int64_t kDaysTo2000 = 10'957;
constexpr std::int64_t kMicrosTo2000 = kDaysTo2000 * relational::kMicrosPerDay;

struct Fixed {
  Oid oid;
  Kind kind;
};
constexpr Fixed kFixed[] = {
    {kOidBool, Kind::kBool},
    {kOidInt2, Kind::kInt2},
    {kOidInt4, Kind::kInt4},
    {kOidInt8, Kind::kInt8},
    {kOidOid, Kind::kOid},
    {kOidFloat4, Kind::kFloat4},
    {kOidFloat8, Kind::kFloat8},
    {kOidBytea, Kind::kBytea},
    {kOidDate, Kind::kDate},
    {kOidTime, Kind::kTime},
    {kOidTimestamp, Kind::kTimestamp},
    {kOidTimestamptz, Kind::kTimestamp},
    {kOidJsonb, Kind::kJsonb},
    {kOidText, Kind::kText},
    {kOidVarchar, Kind::kText},
    {kOidBpchar, Kind::kText},
    {kOidName, Kind::kText},
    {kOidJson, Kind::kText},
};

template <class T>
T big_endian(const char* bytes) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>((static_cast<std::uint64_t>(value) << 8) |
                           static_cast<unsigned char>(bytes[i]));
  }
  return value;
}
std::int64_t int64_at(const char* bytes) {
  return static_cast<std::int64_t>(big_endian<std::uint64_t>(bytes));
}
std::int32_t int32_at(const char* bytes) {
  return static_cast<std::int32_t>(big_endian<std::uint32_t>(bytes));
}
std::int16_t int16_at(const char* bytes) {
  return static_cast<std::int16_t>(big_endian<std::uint16_t>(bytes));
}

Kind scalar_kind(Column& column, Oid oid, int modifier, char category,
                 relational::NumericMapping mapping) {
  if (category == 'e') return Kind::kText;
  if (oid == kOidNumeric) {
    if (modifier < 4)
      return Kind::kCast;  // any precision: Decimal has no scale for it, its text is exact
    column.precision = ((modifier - 4) >> 16) & 0xffff;
    column.scale = (((modifier - 4) & 0x7ff) ^ 1024) - 1024;
    const Type type = relational::numeric_type(column.precision, column.scale, mapping);
    if (type == Type::kBytes) return Kind::kNumeric;
    column.detail = static_cast<std::uint32_t>(type);
    return Kind::kNumber;
  }
  for (const Fixed& fixed : kFixed) {
    if (fixed.oid == oid) return fixed.kind;
  }
  return Kind::kCast;
}

/// A numeric: its sign and groups of four digits, and what each is worth.
struct Groups {
  explicit Groups(std::string_view bytes)
      : count(int16_at(bytes.data())),
        weight(int16_at(bytes.data() + 2)),
        digits(bytes.data() + 8) {
    const auto sign = big_endian<std::uint16_t>(bytes.data() + 4);
    negative = sign == 0x4000;
    finite = sign == 0 || sign == 0x4000;
    if (bytes.size() < 8 + 2 * static_cast<std::size_t>(count))
      throw std::runtime_error("a numeric is cut short");
  }
  [[nodiscard]] std::uint32_t at(int i) const { return big_endian<std::uint16_t>(digits + 2 * i); }
  /// Powers of ten that the number made of all groups must still be multiplied with, to be 10^scale
  /// times the value.
  [[nodiscard]] int shift(int scale) const { return 4 * (weight - count + 1) + scale; }
  int count, weight;
  const char* digits;
  bool negative = false, finite = true;
};

/// The value times 10^scale when that has at most 36 digits; exact, or empty.
std::optional<Int128> small_unscaled(const Groups& groups, int scale) {
  if (4 * (groups.weight + 1) + scale > 36 || groups.count > 9) return std::nullopt;
  Int128 value = 0;
  for (int i = 0; i < groups.count; ++i) value = value * 10'000 + static_cast<Int128>(groups.at(i));
  int shift = groups.shift(scale);
  for (; shift > 0; --shift) value *= 10;
  for (; shift < 0; ++shift) {
    if (value % 10 != 0) return std::nullopt;
    value /= 10;
  }
  return groups.negative ? -value : value;
}

bool convert_decimal(const Groups& groups, const Column& column, Block& block, Value& out,
                     std::string& why) {
  if (const auto small = small_unscaled(groups, column.scale)) {
    out = relational::decimal_value(*small, block);
    return true;
  }
  relational::Magnitude number;
  for (int i = 0; i < groups.count; ++i) number.multiply_add(10'000, groups.at(i));
  int shift = groups.shift(column.scale);
  for (; shift > 0; --shift) number.multiply_add(10, 0);
  for (; shift < 0; ++shift) {
    if (number.divide(10) != 0) {
      why = "has more digits behind the point than its type";
      return false;
    }
  }
  out = number.decimal(groups.negative, block);
  return true;
}

bool convert_numeric(std::string_view bytes, const Column& column, Kind kind, Block& block,
                     Value& out, std::string& why) {
  const Groups groups(bytes);
  if (!groups.finite) {
    why = "is NaN or infinite, which Decimal has no value for";
    return false;
  }
  if (kind == Kind::kNumeric) return convert_decimal(groups, column, block, out, why);
  const auto unscaled = small_unscaled(groups, column.scale);
  if (!unscaled) {
    why = "does not fit its type";
    return false;
  }
  const auto type = static_cast<Type>(column.detail);
  if (type == Type::kFloat64) {
    out = Value::float64(static_cast<double>(*unscaled) / std::pow(10.0, column.scale));
  } else {
    out = Value::integer(static_cast<std::int64_t>(*unscaled), type);
  }
  return true;
}

bool convert_timestamp(std::int64_t since_2000, Granularity granularity, Block& block, Value& out,
                       std::string& why) {
  if (since_2000 == std::numeric_limits<std::int64_t>::max() ||
      since_2000 == std::numeric_limits<std::int64_t>::min()) {
    why = "is infinite, which a timestamp of Connect cannot be";
    return false;
  }
  const auto value = relational::timestamp_value(since_2000 + kMicrosTo2000, granularity, block);
  if (!value) {
    why = "is too far from 1970 for nanoseconds";
    return false;
  }
  out = *value;
  return true;
}

bool convert_date(std::int32_t since_2000, Value& out, std::string& why) {
  if (since_2000 == std::numeric_limits<std::int32_t>::max() ||
      since_2000 == std::numeric_limits<std::int32_t>::min()) {
    why = "is infinite, which a date of Connect cannot be";
    return false;
  }
  out = Value::integer(since_2000 + kDaysTo2000, Type::kInt32);
  return true;
}

bool convert_as(Kind kind, std::string_view bytes, const Column& column, Granularity granularity,
                Block& block, Value& out, std::string& why) {
  const char* at = bytes.data();
  switch (kind) {
    case Kind::kBool:
      out = Value::boolean(at[0] != 0);
      return true;
    case Kind::kInt2:
      out = Value::integer(int16_at(at), Type::kInt16);
      return true;
    case Kind::kInt4:
      out = Value::integer(int32_at(at), Type::kInt32);
      return true;
    case Kind::kInt8:
      out = Value::integer(int64_at(at));
      return true;
    case Kind::kOid:
      out = Value::integer(big_endian<std::uint32_t>(at));
      return true;
    case Kind::kFloat4:
      out = Value::float32(std::bit_cast<float>(big_endian<std::uint32_t>(at)));
      return true;
    case Kind::kFloat8:
      out = Value::float64(std::bit_cast<double>(big_endian<std::uint64_t>(at)));
      return true;
    case Kind::kText:
    case Kind::kCast:
      out = Value::string(block.copy(bytes));
      return true;
    case Kind::kJsonb:
      out = Value::string(block.copy(bytes.substr(1)));
      return true;  // a version byte comes first
    case Kind::kBytea:
      out = Value::binary(block.copy(bytes));
      return true;
    case Kind::kDate:
      return convert_date(int32_at(at), out, why);
    case Kind::kTime:
      out = Value::integer(int64_at(at) / 1000, Type::kInt32);
      return true;
    case Kind::kTimestamp:
      return convert_timestamp(int64_at(at), granularity, block, out, why);
    case Kind::kNumeric:
    case Kind::kNumber:
      return convert_numeric(bytes, column, kind, block, out, why);
    case Kind::kArray:
      break;
  }
  return false;
}

/// The Kind that items have on the wire.
Kind item_kind(const Column& column) { return static_cast<Kind>(column.detail & 0xff); }

bool convert_array(std::string_view bytes, const Column& column, Granularity granularity,
                   Block& block, Value& out, std::string& why) {
  const std::int32_t dimensions = int32_at(bytes.data());
  if (dimensions == 0) {
    out = Value::array({});
    return true;
  }
  if (dimensions != 1) {
    why = "is an array of " + std::to_string(dimensions) + " dimensions; only one can be sent";
    return false;
  }
  Column item = column;
  item.detail >>= 8;
  const auto count = static_cast<std::size_t>(int32_at(bytes.data() + 12));
  const std::span<Value> items = block.values(count);
  bytes.remove_prefix(20);
  for (Value& value : items) {
    const std::int32_t size = int32_at(bytes.data());
    bytes.remove_prefix(4);
    value = Value::null();
    if (size < 0) continue;
    if (!convert_as(item_kind(column), bytes.substr(0, static_cast<std::size_t>(size)), item,
                    granularity, block, value, why)) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
  out = Value::array(items);
  return true;
}

const Schema* scalar_schema(Kind kind, std::uint32_t detail, bool optional, const Column& column,
                            Granularity granularity, Context& context) {
  SchemaSpec spec{.optional = optional};
  switch (kind) {
    case Kind::kBool:
      spec.type = Type::kBool;
      break;
    case Kind::kInt2:
      spec.type = Type::kInt16;
      break;
    case Kind::kInt4:
      spec.type = Type::kInt32;
      break;
    case Kind::kInt8:
    case Kind::kOid:
      spec.type = Type::kInt64;
      break;
    case Kind::kFloat4:
      spec.type = Type::kFloat32;
      break;
    case Kind::kFloat8:
      spec.type = Type::kFloat64;
      break;
    case Kind::kNumber:
      spec.type = static_cast<Type>(detail);
      break;
    case Kind::kBytea:
      spec.type = Type::kBytes;
      break;
    case Kind::kNumeric:
      return relational::decimal_schema(column.precision, column.scale, optional, context);
    case Kind::kTimestamp:
      return relational::timestamp_schema(granularity, optional, context);
    case Kind::kDate:
    case Kind::kTime:
      spec.type = Type::kInt32;
      spec.name = kind == Kind::kDate ? logical::kDate : logical::kTime;
      spec.version = 1;
      break;
    case Kind::kText:
    case Kind::kCast:
    case Kind::kJsonb:
    case Kind::kArray:
      break;
  }
  return context.schema(spec);
}

}  // namespace

void declare(Column& column, const TypeInfo& type, relational::NumericMapping mapping) {
  Kind kind = Kind::kArray;
  if (type.item != 0) {
    const Kind item = scalar_kind(column, type.item, type.modifier, type.item_category, mapping);
    column.detail = (column.detail << 8) | static_cast<std::uint32_t>(item);
  } else {
    kind = scalar_kind(column, type.oid, type.modifier, type.category, mapping);
  }
  column.kind = static_cast<int>(kind);
  column.integer = kind == Kind::kInt2 || kind == Kind::kInt4 || kind == Kind::kInt8 ||
                   kind == Kind::kOid ||
                   ((kind == Kind::kNumeric || kind == Kind::kNumber) && column.scale == 0 &&
                    column.precision <= 18);
  column.temporal = kind == Kind::kTimestamp || kind == Kind::kDate;
}

const Schema* schema_of(const Column& column, Granularity granularity, Context& context) {
  const auto kind = static_cast<Kind>(column.kind);
  if (kind != Kind::kArray)
    return scalar_schema(kind, column.detail, column.nullable, column, granularity, context);
  const Schema* items =
      scalar_schema(item_kind(column), column.detail >> 8, true, column, granularity, context);
  SchemaSpec spec{.type = Type::kArray, .optional = column.nullable};
  spec.items = items;
  return context.schema(spec);
}

bool agrees(const Column& column, Oid sent) {
  for (const Fixed& fixed : kFixed) {
    if (fixed.oid != sent) continue;
    const auto kind = static_cast<Kind>(column.kind);
    return fixed.kind == kind || (kind == Kind::kCast && fixed.kind == Kind::kText);
  }
  const auto kind = static_cast<Kind>(column.kind);
  if (sent == kOidNumeric) return kind == Kind::kNumeric || kind == Kind::kNumber;
  return kind == Kind::kText || kind == Kind::kArray;
}

bool convert(std::string_view bytes, const Column& column, Granularity granularity, Block& block,
             Value& out, std::string& why) {
  const auto kind = static_cast<Kind>(column.kind);
  if (kind == Kind::kArray) return convert_array(bytes, column, granularity, block, out, why);
  return convert_as(kind, bytes, column, granularity, block, out, why);
}

std::int64_t integer_of(std::string_view bytes, const Column& column) {
  switch (static_cast<Kind>(column.kind)) {
    case Kind::kInt2:
      return int16_at(bytes.data());
    case Kind::kInt4:
      return int32_at(bytes.data());
    case Kind::kInt8:
      return int64_at(bytes.data());
    case Kind::kOid:
      return big_endian<std::uint32_t>(bytes.data());
    case Kind::kNumeric:
    case Kind::kNumber: {
      const Groups groups(bytes);
      const auto value = groups.finite ? small_unscaled(groups, 0) : std::nullopt;
      if (value) return static_cast<std::int64_t>(*value);
      break;
    }
    default:
      break;
  }
  throw std::runtime_error("incrementing.column.name: column " + column.name +
                           " holds no whole number");
}

std::int64_t time_of(std::string_view bytes) {
  const std::int64_t since_2000 = int64_at(bytes.data());
  if (since_2000 == std::numeric_limits<std::int64_t>::max() ||
      since_2000 == std::numeric_limits<std::int64_t>::min()) {
    throw std::runtime_error("timestamp.column.name: a row holds an infinite timestamp");
  }
  return since_2000 + kMicrosTo2000;
}

}  // namespace penstock::postgres
