#include "connectors/sqlite/types.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>

#include "connectors/relational/temporal.h"

namespace penstock::sqlite {
namespace {

using relational::Column;
using relational::Granularity;
using relational::kMicrosPerDay;

struct Known {
  std::string_view name;
  Kind kind;
};
constexpr Known kKnown[] = {
    {"INTEGER", Kind::kInteger},
    {"INT", Kind::kInteger},
    {"BIGINT", Kind::kInteger},
    {"SMALLINT", Kind::kInteger},
    {"TINYINT", Kind::kInteger},
    {"MEDIUMINT", Kind::kInteger},
    {"INT2", Kind::kInteger},
    {"INT4", Kind::kInteger},
    {"INT8", Kind::kInteger},
    {"UNSIGNED BIG INT", Kind::kInteger},
    {"REAL", Kind::kReal},
    {"DOUBLE", Kind::kReal},
    {"DOUBLE PRECISION", Kind::kReal},
    {"FLOAT", Kind::kReal},
    {"TEXT", Kind::kText},
    {"VARCHAR", Kind::kText},
    {"CHAR", Kind::kText},
    {"CHARACTER", Kind::kText},
    {"NCHAR", Kind::kText},
    {"NVARCHAR", Kind::kText},
    {"CLOB", Kind::kText},
    {"VARYING CHARACTER", Kind::kText},
    {"NATIVE CHARACTER", Kind::kText},
    {"CHARACTER VARYING", Kind::kText},
    {"BLOB", Kind::kBlob},
    {"BOOLEAN", Kind::kBoolean},
    {"BOOL", Kind::kBoolean},
    {"DATE", Kind::kDate},
    {"TIME", Kind::kTime},
    {"TIMESTAMP", Kind::kTimestamp},
    {"DATETIME", Kind::kTimestamp},
};

constexpr const char* kClassNames[] = {"",     "integer", "real",
                                       "text", "blob",    "null"};  // by SQLITE_INTEGER, ...

/// "VARCHAR (20)" to "VARCHAR"; the numbers in brackets go to `column`.
std::string base_name(std::string_view declared, Column& column, bool& numbers) {
  std::string name;
  const std::size_t bracket = declared.find('(');
  for (const char c : declared.substr(0, bracket)) {
    name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  while (!name.empty() && name.back() == ' ') name.pop_back();
  numbers = false;
  if (bracket == std::string_view::npos) return name;
  std::string inside(declared.substr(bracket + 1));
  std::erase(inside, ' ');
  const char* last = inside.data() + inside.size();
  const auto first = std::from_chars(inside.data(), last, column.precision);
  if (first.ec != std::errc{}) return name;
  numbers = true;
  if (first.ptr != last && *first.ptr == ',') std::from_chars(first.ptr + 1, last, column.scale);
  return name;
}

std::string_view text_of(sqlite3_value* value) {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_value_text(value));
  if (bytes == nullptr) throw std::bad_alloc();
  return {bytes, static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

std::string_view blob_of(sqlite3_value* value) {
  const auto* bytes = static_cast<const char*>(sqlite3_value_blob(value));
  return {bytes == nullptr ? "" : bytes, static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

/// One well-formed character of more than one byte (RFC 3629); returns its length, or 0.
std::size_t wide_character(const unsigned char* s, std::size_t left) {
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return i < left && s[i] >= low && s[i] <= high;
  };
  if (s[0] >= 0xC2 && s[0] <= 0xDF) return follows(1) ? 2 : 0;
  if ((s[0] & 0xF0) == 0xE0) {
    return follows(1, s[0] == 0xE0 ? 0xA0 : 0x80, s[0] == 0xED ? 0x9F : 0xBF) && follows(2) ? 3 : 0;
  }
  if (s[0] >= 0xF0 && s[0] <= 0xF4) {
    return follows(1, s[0] == 0xF0 ? 0x90 : 0x80, s[0] == 0xF4 ? 0x8F : 0xBF) && follows(2) &&
                   follows(3)
               ? 4
               : 0;
  }
  return 0;
}

bool valid_utf8(std::string_view text) {
  const auto* s = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t i = 0;
  while (i < text.size()) {
    std::uint64_t word = 0;
    if (text.size() - i >= 8) {
      std::memcpy(&word, s + i, 8);
      if ((word & 0x8080808080808080ULL) == 0) {
        i += 8;
        continue;
      }
    }
    if (s[i] < 0x80) {
      ++i;
      continue;
    }
    const std::size_t length = wide_character(s + i, text.size() - i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

std::string base64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t word = 0;
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t j = 0; j < 3; ++j)
      word = (word << 8) | (j < have ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j)
      out += j <= have ? kDigits[(word >> (18 - 6 * j)) & 63U] : '=';
  }
  return out;
}

std::string_view number_text(sqlite3_value* value, std::array<char, 32>& room) {
  char* const end = room.data() + room.size();
  const auto done =
      sqlite3_value_type(value) == SQLITE_INTEGER
          ? std::to_chars(room.data(), end, static_cast<std::int64_t>(sqlite3_value_int64(value)))
          : std::to_chars(room.data(), end, sqlite3_value_double(value));
  return {room.data(), static_cast<std::size_t>(done.ptr - room.data())};
}

/// How a stored value is shown in errors.
std::string shown(sqlite3_value* value) {
  const int type = sqlite3_value_type(value);
  std::array<char, 32> room{};
  std::string out = kClassNames[type];
  if (type == SQLITE_TEXT) {
    const std::string_view text = text_of(value);
    out += " '" + std::string(text.substr(0, 60)) + (text.size() > 60 ? "...'" : "'");
  } else if (type == SQLITE_BLOB) {
    out += " of " + std::to_string(sqlite3_value_bytes(value)) + " bytes";
  } else {
    out += " " + std::string(number_text(value, room));
  }
  return out;
}

bool mismatch(sqlite3_value* value, const Column& column, std::string& why,
              std::string_view more = {}) {
  why = "holds the " + shown(value) + ", which is no value of its declared type " + column.type;
  if (!more.empty()) why += " (" + std::string(more) + ")";
  why += "; sqlite.mixed.types=any reads such tables as they are";
  return false;
}

bool convert_text(sqlite3_value* value, Block& block, Value& out, std::string& why) {
  const std::string_view text = text_of(value);
  if (!valid_utf8(text)) {
    why = "holds a text that is not UTF-8";
    return false;
  }
  out = Value::string(block.copy(text));
  return true;
}

bool convert_any(sqlite3_value* value, Block& block, Value& out, std::string& why) {
  const int type = sqlite3_value_type(value);
  const std::span<Value> fields = block.values(2);
  fields[0] = Value::string(kClassNames[type]);
  std::array<char, 32> room{};
  if (type == SQLITE_TEXT) {
    if (!convert_text(value, block, fields[1], why)) return false;
  } else if (type == SQLITE_BLOB) {
    fields[1] = Value::string(block.copy(base64(blob_of(value))));
  } else {
    fields[1] = Value::string(block.copy(number_text(value, room)));
  }
  out = Value::row(fields);
  return true;
}

/// Microseconds since 1970-01-01 of a date or timestamp; empty when `value` is neither ISO text nor
/// milliseconds.
std::optional<std::int64_t> point_of(sqlite3_value* value, bool& exact) {
  std::int64_t micros = 0;
  exact = true;
  if (sqlite3_value_type(value) == SQLITE_INTEGER) {
    if (__builtin_mul_overflow(static_cast<std::int64_t>(sqlite3_value_int64(value)),
                               std::int64_t{1000}, &micros)) {
      return std::nullopt;
    }
    return micros;
  }
  if (sqlite3_value_type(value) != SQLITE_TEXT) return std::nullopt;
  const auto parsed = relational::parse_time(text_of(value));
  if (!parsed || !parsed->days) return std::nullopt;
  exact = !parsed->finer_than_micros;
  return parsed->point();
}

bool convert_timestamp(sqlite3_value* value, const Column& column, Granularity granularity,
                       Block& block, Value& out, std::string& why) {
  bool exact = true;
  const auto micros = point_of(value, exact);
  if (!micros) return mismatch(value, column, why);
  if (!exact || *micros % relational::step_of(granularity) != 0) {
    return mismatch(value, column, why, "finer than timestamp.granularity keeps");
  }
  const auto converted = relational::timestamp_value(*micros, granularity, block);
  if (!converted) return mismatch(value, column, why, "too far from 1970 for nanoseconds");
  out = *converted;
  return true;
}

bool convert_date(sqlite3_value* value, const Column& column, Value& out, std::string& why) {
  bool exact = true;
  const auto micros = point_of(value, exact);
  if (!micros) return mismatch(value, column, why);
  const std::int64_t days = relational::floor_div(*micros, kMicrosPerDay);
  if (!exact || *micros % kMicrosPerDay != 0)
    return mismatch(value, column, why, "has a time of day");
  if (days > std::numeric_limits<std::int32_t>::max() ||
      days < std::numeric_limits<std::int32_t>::min()) {
    return mismatch(value, column, why, "too far from 1970");
  }
  out = Value::integer(days, Type::kInt32);
  return true;
}

bool convert_time(sqlite3_value* value, const Column& column, Value& out, std::string& why) {
  if (sqlite3_value_type(value) != SQLITE_TEXT) return mismatch(value, column, why);
  const auto parsed = relational::parse_time(text_of(value));
  if (!parsed || parsed->days || parsed->offset_seconds != 0) return mismatch(value, column, why);
  if (parsed->finer_than_micros || *parsed->micros % 1000 != 0) {
    return mismatch(value, column, why, "finer than milliseconds");
  }
  out = Value::integer(*parsed->micros / 1000, Type::kInt32);
  return true;
}

bool convert_decimal(sqlite3_value* value, const Column& column, Block& block, Value& out,
                     std::string& why) {
  const int type = sqlite3_value_type(value);
  std::array<char, 32> room{};
  if (type == SQLITE_BLOB) return mismatch(value, column, why);
  const auto converted = relational::decimal_from_text(
      type == SQLITE_TEXT ? text_of(value) : number_text(value, room), column.scale, block);
  if (!converted) return mismatch(value, column, why);
  out = *converted;
  return true;
}

bool convert_number(sqlite3_value* value, const Column& column, Value& out, std::string& why) {
  const auto type = static_cast<Type>(column.detail);
  const int stored = sqlite3_value_type(value);
  if (type == Type::kFloat64 && (stored == SQLITE_FLOAT || stored == SQLITE_INTEGER)) {
    out = Value::float64(sqlite3_value_double(value));
    return true;
  }
  if (stored != SQLITE_INTEGER) return mismatch(value, column, why);
  const std::int64_t number = sqlite3_value_int64(value);
  const int bits = type == Type::kInt8    ? 8
                   : type == Type::kInt16 ? 16
                   : type == Type::kInt32 ? 32
                                          : 64;
  const std::int64_t high =
      bits == 64 ? std::numeric_limits<std::int64_t>::max() : (std::int64_t{1} << (bits - 1)) - 1;
  if (number > high || number < -high - 1)
    return mismatch(value, column, why, "more digits than declared");
  out = Value::integer(number, type);
  return true;
}

void penstock_time(sqlite3_context* context, int, sqlite3_value** arguments) {
  if (sqlite3_value_type(arguments[0]) == SQLITE_NULL) return sqlite3_result_null(context);
  bool exact = true;
  const auto micros = point_of(arguments[0], exact);
  if (micros) return sqlite3_result_int64(context, *micros);
  const std::string text =
      "timestamp.column.name: a column holds the " + shown(arguments[0]) +
      ", which is neither an ISO date and time nor milliseconds since 1970-01-01";
  sqlite3_result_error(context, text.c_str(), -1);
}

}  // namespace

void declare(Column& column, std::string_view declared, relational::NumericMapping mapping) {
  bool numbers = false;
  const std::string name = base_name(declared, column, numbers);
  Kind kind = Kind::kAny;
  const auto known = std::find_if(std::begin(kKnown), std::end(kKnown),
                                  [&](const Known& k) { return k.name == name; });
  if (known != std::end(kKnown)) {
    kind = known->kind;
  } else if ((name == "DECIMAL" || name == "NUMERIC") && numbers) {
    const Type type = relational::numeric_type(column.precision, column.scale, mapping);
    kind = type == Type::kBytes ? Kind::kDecimal : Kind::kNumber;
    column.detail = static_cast<std::uint32_t>(type);
  }
  column.type = declared.empty() ? "(none)" : std::string(declared);
  column.kind = static_cast<int>(kind);
  column.integer = kind == Kind::kInteger || kind == Kind::kAny || kind == Kind::kDecimal ||
                   kind == Kind::kNumber;
  column.temporal = kind == Kind::kInteger || kind == Kind::kText || kind == Kind::kDate ||
                    kind == Kind::kTimestamp || kind == Kind::kAny;
}

const Schema* schema_of(const Column& column, Granularity granularity, Context& context) {
  SchemaSpec spec{.optional = column.nullable};
  switch (static_cast<Kind>(column.kind)) {
    case Kind::kInteger:
      spec.type = Type::kInt64;
      break;
    case Kind::kReal:
      spec.type = Type::kFloat64;
      break;
    case Kind::kText:
      spec.type = Type::kString;
      break;
    case Kind::kBlob:
      spec.type = Type::kBytes;
      break;
    case Kind::kBoolean:
      spec.type = Type::kBool;
      break;
    case Kind::kNumber:
      spec.type = static_cast<Type>(column.detail);
      break;
    case Kind::kTimestamp:
      return relational::timestamp_schema(granularity, column.nullable, context);
    case Kind::kDecimal:
      return relational::decimal_schema(column.precision, column.scale, column.nullable, context);
    case Kind::kDate:
    case Kind::kTime:
      spec.type = Type::kInt32;
      spec.name = static_cast<Kind>(column.kind) == Kind::kDate ? logical::kDate : logical::kTime;
      spec.version = 1;
      break;
    case Kind::kAny: {
      const Schema* text = context.schema({.type = Type::kString});
      const Field fields[] = {{"type", text}, {"value", text}};
      return context.schema({.type = Type::kStruct,
                             .optional = column.nullable,
                             .name = logical::kSqliteAny,
                             .fields = fields});
    }
  }
  return context.schema(spec);
}

bool convert(sqlite3_value* value, const Column& column, Granularity granularity, Block& block,
             Value& out, std::string& why) {
  const int type = sqlite3_value_type(value);
  out = Value::null();
  if (type == SQLITE_NULL) return true;
  switch (static_cast<Kind>(column.kind)) {
    case Kind::kInteger:
      if (type != SQLITE_INTEGER) return mismatch(value, column, why);
      out = Value::integer(sqlite3_value_int64(value));
      return true;
    case Kind::kReal:
      if (type != SQLITE_FLOAT) return mismatch(value, column, why);
      out = Value::float64(sqlite3_value_double(value));
      return true;
    case Kind::kText:
      if (type != SQLITE_TEXT) return mismatch(value, column, why);
      return convert_text(value, block, out, why);
    case Kind::kBlob:
      if (type != SQLITE_BLOB) return mismatch(value, column, why);
      out = Value::binary(block.copy(blob_of(value)));
      return true;
    case Kind::kBoolean: {
      const std::int64_t number = sqlite3_value_int64(value);
      if (type != SQLITE_INTEGER || (number != 0 && number != 1))
        return mismatch(value, column, why);
      out = Value::boolean(number == 1);
      return true;
    }
    case Kind::kDate:
      return convert_date(value, column, out, why);
    case Kind::kTime:
      return convert_time(value, column, out, why);
    case Kind::kTimestamp:
      return convert_timestamp(value, column, granularity, block, out, why);
    case Kind::kDecimal:
      return convert_decimal(value, column, block, out, why);
    case Kind::kNumber:
      return convert_number(value, column, out, why);
    case Kind::kAny:
      return convert_any(value, block, out, why);
  }
  return false;
}

void register_time_function(sqlite3* db) {
  sqlite3_create_function_v2(db, "penstock_time", 1,
                             SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, nullptr,
                             &penstock_time, nullptr, nullptr, nullptr);
}

}  // namespace penstock::sqlite
