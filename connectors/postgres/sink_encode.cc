#include "connectors/postgres/sink_encode.h"

#include <bit>
#include <cmath>
#include <limits>

#include "connectors/relational/sink_value.h"

namespace penstock::postgres {

using relational::BadShape;
using relational::does_not_fit;
using relational::Logical;
using relational::Misfit;
using relational::PlanColumn;

namespace {

constexpr std::int64_t kDaysTo2000 = 10957;
constexpr std::int64_t kMillisTo2000 = kDaysTo2000 * 86'400'000;
constexpr int kArrayDepthMax = 6;
constexpr std::size_t kNumericDigitsMax = 20000;

struct Wire {
  std::uint32_t oid;
  Encoding encoding;
  std::uint32_t array;
};
// pg_type.dat: type, its array.
constexpr Wire kWires[] = {
    {16, kBool, 1000},         {21, kInt2, 1005},        {23, kInt4, 1007},
    {20, kInt8, 1016},         {700, kFloat4, 1021},     {701, kFloat8, 1022},
    {1700, kNumeric, 1231},    {25, kText, 1009},        {1043, kText, 1009},
    {1042, kPaddedText, 1014}, {17, kBytea, 1001},       {1082, kDate, 1182},
    {1083, kTime, 1183},       {1114, kTimestamp, 1115}, {1184, kTimestampTz, 1185},
    {2950, kUuid, 2951},       {114, kJson, 199},        {3802, kJsonb, 3807},
};

template <class Unsigned>
void append_bytes(std::string& out, Unsigned bits) {
  char bytes[sizeof bits];
  for (std::size_t i = 0; i < sizeof bits; ++i)
    bytes[i] = static_cast<char>(bits >> (8 * (sizeof bits - 1 - i)));
  out.append(bytes, sizeof bytes);
}

void append_view(std::string& out, std::string_view bytes) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    throw Misfit("the value is larger than 2 GiB");
  }
  append_int32(out, static_cast<std::int32_t>(bytes.size()));
  out.append(bytes);
}

void append_text(const PlanColumn& column, std::string_view text, std::string& out) {
  if (text.find('\0') != std::string_view::npos)
    throw Misfit("PostgreSQL cannot store a text with a NUL character");
  const auto length_max = static_cast<std::size_t>(column.column.length_max);
  if (length_max > 0 && text.size() > length_max) {
    std::size_t characters = 0;
    for (const char c : text)
      characters += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1U : 0U;
    // The server cuts off spaces that are too many.
    if (characters > length_max && text.find_last_not_of(' ') >= length_max) {
      throw Misfit("a text of " + std::to_string(characters) + " characters is too long for type " +
                   column.column.type);
    }
  }
  append_view(out, text);
}

/// Digits in groups of four around the point, as in PostgreSQL's numeric_recv(): ndigits, weight,
/// sign, dscale, digits.
void append_numeric(const PlanColumn& column, const Value& value, std::string_view text,
                    std::string& out) {
  const auto special = [&](std::uint16_t sign) {
    append_int32(out, 8);
    for (const std::uint16_t part : {std::uint16_t{0}, std::uint16_t{0}, sign, std::uint16_t{0}})
      append_bytes(out, part);
  };
  if (text == "nan") return special(0xC000);
  if (text == "inf") return special(0xD000);
  if (text == "-inf") return special(0xF000);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  std::int64_t exponent = 0;
  if (const std::size_t e = text.find_first_of("eE"); e != std::string_view::npos) {
    const std::string_view power =
        text.substr(text.size() > e + 1 && text[e + 1] == '+' ? e + 2 : e + 1);
    const auto parsed = relational::integer_from_text(power);
    if (!parsed || *parsed > 10000 || *parsed < -10000) throw does_not_fit(column, value);
    exponent = *parsed;
    text = text.substr(0, e);
  }
  std::string digits;
  std::int64_t before_point = -1;
  for (const char c : text) {
    if (c == '.' && before_point < 0) {
      before_point = static_cast<std::int64_t>(digits.size());
    } else if (c >= '0' && c <= '9') {
      digits += c;
    } else {
      throw does_not_fit(column, value);
    }
  }
  if (digits.empty() || digits.size() > kNumericDigitsMax) throw does_not_fit(column, value);
  if (before_point < 0) before_point = static_cast<std::int64_t>(digits.size());
  before_point += exponent;
  const std::int64_t scale =
      std::max<std::int64_t>(0, static_cast<std::int64_t>(digits.size()) - before_point);
  // Shift so that the point stands between two groups.
  const std::int64_t weight = (before_point + (before_point > 0 ? 3 : 0)) / 4 -
                              (before_point > 0 ? 1 : 0) - (before_point <= 0 ? 1 : 0);
  const std::int64_t lead = (weight + 1) * 4 - before_point;
  digits.insert(0, static_cast<std::size_t>(lead), '0');
  while (digits.size() % 4 != 0) digits += '0';
  std::int64_t first_weight = weight;
  std::string_view rest = digits;
  while (rest.size() > 4 && rest.starts_with("0000")) {
    rest.remove_prefix(4);
    --first_weight;
  }
  while (rest.ends_with("0000") && !rest.empty()) rest.remove_suffix(4);
  const auto groups = static_cast<std::int16_t>(rest.size() / 4);
  append_int32(out, 8 + groups * 2);
  append_int16(out, groups);
  append_int16(out, static_cast<std::int16_t>(groups == 0 ? 0 : first_weight));
  append_bytes(out, static_cast<std::uint16_t>(negative && groups != 0 ? 0x4000 : 0));
  append_int16(out, static_cast<std::int16_t>(scale));
  for (std::size_t i = 0; i < rest.size(); i += 4) {
    append_int16(out, static_cast<std::int16_t>((rest[i] - '0') * 1000 + (rest[i + 1] - '0') * 100 +
                                                (rest[i + 2] - '0') * 10 + (rest[i + 3] - '0')));
  }
}

void append_uuid(const PlanColumn& column, const Value& value, std::string& out) {
  std::string bytes;
  unsigned bits = 0;
  std::size_t digits = 0;
  for (const char c : value.type == Type::kString ? value.text() : std::string_view()) {
    if (c == '-' || c == '{' || c == '}') continue;
    const int v = c >= '0' && c <= '9'   ? c - '0'
                  : c >= 'a' && c <= 'f' ? c - 'a' + 10
                  : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                         : -1;
    if (v < 0) throw does_not_fit(column, value);
    bits = bits << 4 | static_cast<unsigned>(v);
    if (++digits % 2 == 0) bytes += static_cast<char>(bits & 0xFFU);
  }
  if (digits != 32) throw does_not_fit(column, value);
  append_view(out, bytes);
}

template <class Integer>
Integer fitting(const PlanColumn& column, const Value& value) {
  const auto number =
      value.is_integer() ? std::optional(value.i) : relational::as_integer(column, value);
  if (!number || *number < std::numeric_limits<Integer>::min() ||
      *number > std::numeric_limits<Integer>::max()) {
    throw does_not_fit(column, value);
  }
  return static_cast<Integer>(*number);
}

void append_point(const PlanColumn& column, const Value& value, std::string& out) {
  constexpr std::int64_t kMillisMax =
      std::numeric_limits<std::int64_t>::max() / 1000 - kMillisTo2000;
  if (!value.is_integer()) throw does_not_fit(column, value);
  const bool days = column.logical == Logical::kDate;
  if (!days && (value.i > kMillisMax || value.i < -kMillisMax)) throw does_not_fit(column, value);
  const std::int64_t millis = days ? value.i * 86'400'000 : value.i;
  append_int32(out, 8);
  append_int64(out, (millis - kMillisTo2000) * 1000);
}

/// {"a","b",NULL}
void append_array_literal(const PlanColumn& column, const Value& array, int depth,
                          std::string& out) {
  if (depth > kArrayDepthMax) throw Misfit("an array nested too deeply");
  out += '{';
  std::string buffer;
  bool first = true;
  for (const Value& item : array.elements()) {
    if (!first) out += ',';
    first = false;
    if (item.is_null()) {
      out += "NULL";
    } else if (item.type == Type::kArray) {
      append_array_literal(column, item, depth + 1, out);
    } else {
      const auto text = relational::as_text(column, item, buffer);
      if (!text) throw does_not_fit(column, item);
      out += '"';
      for (const char c : *text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
      }
      out += '"';
    }
  }
  out += '}';
}

/// An array is written as its items are.
void take_logical_of_items(PlanColumn& column) {
  const Schema* items = column.schema;
  while (items != nullptr && items->type() == Type::kArray) items = items->items();
  if (relational::logical_of(items) != Logical::kSqliteAny) relational::take_logical(column, items);
}

void append_cast(const PlanColumn& column, const Value& value, std::string& out) {
  std::string buffer;
  PlanColumn unlimited = column;
  unlimited.column.length_max = 0;  // of the text that stands for the value
  if (value.type == Type::kArray) {
    append_array_literal(column, value, 1, buffer);
    return append_text(unlimited, buffer, out);
  }
  const auto text = relational::as_text(column, value, buffer);
  if (!text) throw does_not_fit(column, value);
  append_text(unlimited, *text, out);
}

void encode_slow(const PlanColumn& column, const Value& value, std::string& out) {
  std::string buffer;
  switch (column.encoding) {
    case kBool: {
      const auto flag = relational::as_boolean(column, value);
      if (!flag) throw does_not_fit(column, value);
      append_int32(out, 1);
      out += static_cast<char>(*flag ? 1 : 0);
      return;
    }
    case kNumeric: {
      const auto text = relational::as_text(column, value, buffer);
      if (!text) throw does_not_fit(column, value);
      return append_numeric(column, value, *text, out);
    }
    case kText:
    case kPaddedText:
    case kJson: {
      const auto text = relational::as_text(column, value, buffer);
      if (!text) throw does_not_fit(column, value);
      return append_text(column, *text, out);
    }
    case kJsonb: {
      const auto text = relational::as_text(column, value, buffer);
      if (!text) throw does_not_fit(column, value);
      return append_view(out, "\x01" + std::string(*text));  // format version 1
    }
    case kBytea: {
      const auto bytes = relational::as_bytes(column, value, buffer);
      if (!bytes) throw does_not_fit(column, value);
      return append_view(out, *bytes);
    }
    case kDate:
      append_int32(out, 4);
      return append_int32(
          out, static_cast<std::int32_t>(fitting<std::int32_t>(column, value) - kDaysTo2000));
    case kTime:
      append_int32(out, 8);
      return append_int64(out, fitting<std::int32_t>(column, value) * std::int64_t{1000});
    case kTimestamp:
    case kTimestampTz:
      return append_point(column, value, out);
    case kUuid:
      return append_uuid(column, value, out);
    default:
      return append_cast(column, value, out);
  }
}

}  // namespace

void append_int16(std::string& out, std::int16_t value) {
  append_bytes(out, static_cast<std::uint16_t>(value));
}
void append_int32(std::string& out, std::int32_t value) {
  append_bytes(out, static_cast<std::uint32_t>(value));
}
void append_int64(std::string& out, std::int64_t value) {
  append_bytes(out, static_cast<std::uint64_t>(value));
}

Encoding encoding_of(std::uint32_t oid) {
  for (const Wire& wire : kWires) {
    if (wire.oid == oid) return wire.encoding;
  }
  return kCast;
}

WireType wire_type(int encoding) {
  for (const Wire& wire : kWires) {
    if (wire.encoding == encoding) return {wire.oid, wire.array};
  }
  return {25, 1009};
}

bool bytes_decide(int encoding) {
  switch (encoding) {
    case kNumeric:
    case kFloat4:
    case kFloat8:
    case kPaddedText:
    case kJson:
    case kJsonb:
    case kCast:
      return false;
    default:
      return true;
  }
}

void choose_encoding(PlanColumn& column) {
  const int kind = column.column.kind;
  column.encoding = kind;
  const bool has_text = column.schema == nullptr || column.logical == Logical::kSqliteAny ||
                        (column.schema->type() == Type::kString);
  const auto refuse = [&]() {
    throw BadShape("a field of this type does not fit column type " + column.column.type);
  };
  if (column.schema != nullptr && column.logical != Logical::kSqliteAny) {
    const Type type = column.schema->type();
    if (type == Type::kMap || type == Type::kStruct || (type == Type::kArray && kind != kCast)) {
      throw BadShape("an array, a map or a struct does not fit column type " + column.column.type +
                     "; flatten it with a transform");
    }
    if (type == Type::kArray) take_logical_of_items(column);
  }
  switch (kind) {
    case kDate:
    case kTime:
    case kTimestamp:
    case kTimestampTz: {
      const Logical logical = column.logical;
      const bool fits = kind == kDate ? logical == Logical::kDate
                        : kind == kTime
                            ? logical == Logical::kTime
                            : logical == Logical::kTimestamp || logical == Logical::kDate;
      if (fits) return;
      if (!has_text) refuse();
      column.encoding = kCast;
      return;
    }
    case kUuid:
    case kJson:
    case kJsonb:
      if (!has_text) refuse();
      return;
    default:
      return;
  }
}

void encode(const PlanColumn& column, const Value& value, std::string& out) {
  if (value.type == Type::kNull) {
    if (column.is_key) throw Misfit("a key column must not be NULL");
    if (column.column.not_null) throw Misfit("NULL in a NOT NULL column");
    return append_int32(out, -1);
  }
  if (column.logical == Logical::kSqliteAny) {
    std::string buffer;
    const Value inner = relational::unwrap_any(value, buffer);
    PlanColumn plain = column;
    plain.logical = Logical::kNone;
    return encode(plain, inner, out);
  }
  switch (column.encoding) {
    case kInt2: {
      const auto number = fitting<std::int16_t>(column, value);
      append_int32(out, 2);
      return append_int16(out, number);
    }
    case kInt4: {
      const auto number = fitting<std::int32_t>(column, value);
      append_int32(out, 4);
      return append_int32(out, number);
    }
    case kInt8: {
      const auto number = fitting<std::int64_t>(column, value);
      append_int32(out, 8);
      return append_int64(out, number);
    }
    case kFloat4: {
      const auto real = relational::as_real(column, value);
      if (!real || (std::isinf(static_cast<float>(*real)) && !std::isinf(*real)))
        throw does_not_fit(column, value);
      append_int32(out, 4);
      return append_int32(out, std::bit_cast<std::int32_t>(static_cast<float>(*real)));
    }
    case kFloat8: {
      const auto real =
          value.is_float() ? std::optional(value.d) : relational::as_real(column, value);
      if (!real) throw does_not_fit(column, value);
      append_int32(out, 8);
      return append_int64(out, std::bit_cast<std::int64_t>(*real));
    }
    case kText:
      if (value.type == Type::kString) return append_text(column, value.text(), out);
      return encode_slow(column, value, out);
    default:
      return encode_slow(column, value, out);
  }
}

}  // namespace penstock::postgres
