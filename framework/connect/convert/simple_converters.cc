#include "framework/connect/convert/simple_converters.h"

#include <simdjson.h>

#include <charconv>
#include <cmath>
#include <utility>

#include "framework/connect/convert/base64.h"
#include "framework/connect/convert/json_writer.h"
#include "framework/connect/host/schema_interner.h"

namespace penstock::connect {
namespace {

const Schema* optional_of(Context& context, Type type) {
  SchemaSpec spec;
  spec.type = type;
  spec.optional = true;
  return context.schema(spec);
}

/// Scalars as text. False for what has none.
bool put_text(const Value& value, ByteArena& out) {
  constexpr std::size_t kNumberBytes = 32;
  switch (value.type) {
    case Type::kString:
      out.append(value.text());
      return true;
    case Type::kBool:
      out.append(value.b ? std::string_view("true") : std::string_view("false"));
      return true;
    case Type::kInt8:
    case Type::kInt16:
    case Type::kInt32:
    case Type::kInt64: {
      char* to = out.room(kNumberBytes);
      out.advance(std::to_chars(to, to + kNumberBytes, value.i).ptr);
      return true;
    }
    case Type::kFloat32:
    case Type::kFloat64: {
      if (!std::isfinite(value.d)) {
        out.append(std::isnan(value.d) ? std::string_view("NaN")
                   : value.d < 0       ? std::string_view("-Infinity")
                                       : std::string_view("Infinity"));
        return true;
      }
      char* to = out.room(kNumberBytes);
      out.advance(value.type == Type::kFloat32
                      ? std::to_chars(to, to + kNumberBytes, static_cast<float>(value.d)).ptr
                      : std::to_chars(to, to + kNumberBytes, value.d).ptr);
      return true;
    }
    default:
      return false;
  }
}

tl::unexpected<Error> cannot(std::string_view who, Type type) {
  return fail(Errc::kInvalid, std::string(who) + " cannot write a value of type " +
                                  std::string(host::to_string(type)));
}

}  // namespace

StringConverter::StringConverter(Context& context) : schema_(optional_of(context, Type::kString)) {}

Result<NullableBytes> StringConverter::encode(const Schema*, const Value& value, ByteArena& out) {
  if (value.is_null()) return NullableBytes();
  out.begin();
  if (!put_text(value, out)) return cannot("StringConverter", value.type);
  return NullableBytes(out.finish());
}

Status StringConverter::decode(NullableBytes bytes, Block& memory, const Schema*& schema,
                               Value& value) {
  schema = schema_;
  value = Value::null();
  if (!bytes) return {};
  if (!simdjson::validate_utf8(bytes->data(), bytes->size())) {
    return fail(Errc::kInvalid, "StringConverter: the bytes are not UTF-8");
  }
  value = Value::string(memory.copy(*bytes));
  return {};
}

ByteArrayConverter::ByteArrayConverter(Context& context)
    : schema_(optional_of(context, Type::kBytes)) {}

Result<NullableBytes> ByteArrayConverter::encode(const Schema* schema, const Value& value,
                                                 ByteArena& out) {
  if (schema != nullptr && schema->type() != Type::kBytes) {
    return fail(Errc::kInvalid, "Invalid schema type for ByteArrayConverter: " +
                                    std::string(host::to_string(schema->type())));
  }
  if (value.is_null()) return NullableBytes();
  if (value.type != Type::kBytes) return cannot("ByteArrayConverter", value.type);
  out.begin();
  out.append(value.text());
  return NullableBytes(out.finish());
}

Status ByteArrayConverter::decode(NullableBytes bytes, Block& memory, const Schema*& schema,
                                  Value& value) {
  schema = schema_;
  value = bytes ? Value::binary(memory.copy(*bytes)) : Value::null();
  return {};
}

SimpleHeaderConverter::SimpleHeaderConverter(Context& context) : context_(context) {}

Result<NullableBytes> SimpleHeaderConverter::encode(const Schema*, const Value& value,
                                                    ByteArena& out) {
  if (value.is_null()) return NullableBytes();
  out.begin();
  if (value.type == Type::kBytes) {
    char* to = out.room(base64_size(value.size));
    out.advance(put_base64(to, value.text()));
  } else if (!put_text(value, out)) {
    return cannot("SimpleHeaderConverter", value.type);
  }
  return NullableBytes(out.finish());
}

Status SimpleHeaderConverter::decode(NullableBytes bytes, Block& memory, const Schema*& schema,
                                     Value& value) {
  schema = nullptr;
  value = Value::null();
  if (!bytes) return {};
  const auto text = *bytes;
  if (!simdjson::validate_utf8(text.data(), text.size())) {
    value = Value::binary(memory.copy(text));
  } else if (text == "true" || text == "false") {
    value = Value::boolean(text == "true");
  } else if (text == "null") {
    return {};
  } else {
    std::int64_t whole = 0;
    double real = 0;
    const char* const end = text.data() + text.size();
    const bool numeric = !text.empty() && (text[0] == '-' || (text[0] >= '0' && text[0] <= '9'));
    if (const auto [at, bad] = std::from_chars(text.data(), end, whole);
        numeric && bad == std::errc() && at == end) {
      const Type type = std::in_range<std::int8_t>(whole)    ? Type::kInt8
                        : std::in_range<std::int16_t>(whole) ? Type::kInt16
                        : std::in_range<std::int32_t>(whole) ? Type::kInt32
                                                             : Type::kInt64;
      value = Value::integer(whole, type);
    } else if (const auto [stop, error] = std::from_chars(text.data(), end, real);
               numeric && error == std::errc() && stop == end && std::isfinite(real)) {
      value = Value::float64(real);
    } else {
      value = Value::string(memory.copy(text));
    }
  }
  schema = optional_of(context_, value.type);
  return {};
}

}  // namespace penstock::connect
