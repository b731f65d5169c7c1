#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "framework/connect/convert/base64.h"
#include "framework/connect/convert/decimal.h"
#include "framework/connect/convert/json_reader_parts.h"
#include "framework/connect/host/schema_interner.h"

namespace penstock::connect {
namespace {

constexpr int kDepthMax = 500;

std::string_view json_kind(od::json_type type) {
  switch (type) {
    case od::json_type::array:
      return "an array";
    case od::json_type::object:
      return "an object";
    case od::json_type::number:
      return "a number";
    case od::json_type::string:
      return "a string";
    case od::json_type::boolean:
      return "a boolean";
    case od::json_type::null:
      return "null";
  }
  return "something else";
}

/// A string token's text when it has no escapes; SIMD in memchr, which simdjson's own copy has only
/// for newer processors.
bool unescaped(std::string_view token, std::string_view& out) {
  const auto* const quote =
      static_cast<const char*>(std::memchr(token.data() + 1, '"', token.size() - 1));
  if (quote == nullptr) return false;
  out = {token.data() + 1, static_cast<std::size_t>(quote - token.data() - 1)};
  return out.empty() || std::memchr(out.data(), '\\', out.size()) == nullptr;
}

}  // namespace

bool JsonReader::Parts::wrong(std::string text) {
  error = std::move(text);
  return false;
}
bool JsonReader::Parts::wrong(simdjson::error_code code) {
  return wrong(std::string(kSerialization) + describe(code));
}
bool JsonReader::Parts::wrong_in(std::string_view field) {
  path = path.empty() ? std::string(field)
                      : std::string(field) + (path.front() == '[' ? "" : ".") + path;
  return false;
}

Value JsonReader::Parts::finish(Type type, std::size_t first) {
  const auto count = stack.size() - first;
  const auto items = memory->values(count);
  std::copy(stack.begin() + static_cast<std::ptrdiff_t>(first), stack.end(), items.begin());
  stack.resize(first);
  return type == Type::kArray ? Value::array(items) : Value::map(items);
}

bool JsonReader::Parts::missing(const Plan* plan, Value& to) {
  to = Value::null();
  if (plan == nullptr) return true;
  if (plan->fallback != nullptr && options.replace_null) {
    to = *plan->fallback;
    return true;
  }
  if (plan->optional || plan->fallback != nullptr) return true;
  return wrong("Invalid null value for required " + std::string(host::to_string(plan->type)) +
               " field");
}

bool JsonReader::Parts::value(const Plan* plan, od::value from, Value& to, int depth) {
  if (depth > kDepthMax) return wrong("nested too deeply");
  if (plan != nullptr) return typed(*plan, from, to, depth);
  od::json_type kind{};
  if (const auto e = from.type().get(kind); e != simdjson::SUCCESS) return wrong(e);
  switch (kind) {
    case od::json_type::null: {
      bool null = false;
      if (const auto e = from.is_null().get(null); e != simdjson::SUCCESS) return wrong(e);
      to = Value::null();
      return null || wrong("malformed value");
    }
    case od::json_type::boolean: {
      bool flag = false;
      if (const auto e = from.get_bool().get(flag); e != simdjson::SUCCESS) return wrong(e);
      to = Value::boolean(flag);
      return true;
    }
    case od::json_type::number:
      return loose_number(from, to);
    case od::json_type::string: {
      std::string_view text;
      if (!unescaped(from.raw_json_token(), text)) {
        if (const auto e = from.get_string().get(text); e != simdjson::SUCCESS) return wrong(e);
      }
      to = Value::string(memory->copy(text));
      return true;
    }
    case od::json_type::array: {
      od::array items;
      if (const auto e = from.get_array().get(items); e != simdjson::SUCCESS) return wrong(e);
      return array(nullptr, items, to, depth);
    }
    case od::json_type::object: {
      od::object members;
      if (const auto e = from.get_object().get(members); e != simdjson::SUCCESS) return wrong(e);
      return object(nullptr, members, to, depth);
    }
  }
  return wrong("malformed value");
}

bool JsonReader::Parts::loose_number(od::value from, Value& to) {
  od::number number;
  if (const auto e = from.get_number().get(number); e != simdjson::SUCCESS) return wrong(e);
  switch (number.get_number_type()) {
    case od::number_type::signed_integer:
      to = Value::integer(number.get_int64());
      return true;
    case od::number_type::unsigned_integer:
      if (number.get_uint64() >
          static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        return wrong("the number " + std::to_string(number.get_uint64()) + " does not fit 64 bits");
      }
      to = Value::integer(static_cast<std::int64_t>(number.get_uint64()));
      return true;
    case od::number_type::floating_point_number:
      to = Value::float64(number.get_double());
      return true;
  }
  return wrong("malformed number");
}

bool JsonReader::Parts::typed(const Plan& plan, od::value from, Value& to, int depth) {
  od::json_type kind{};
  if (const auto e = from.type().get(kind); e != simdjson::SUCCESS) return wrong(e);
  if (kind == od::json_type::null) {
    bool null = false;
    if (const auto e = from.is_null().get(null); e != simdjson::SUCCESS) return wrong(e);
    return null ? missing(&plan, to) : wrong("malformed value");
  }
  const auto mismatch = [&] {
    return wrong("the schema says " + std::string(host::to_string(plan.type)) +
                 ", the payload has " + std::string(json_kind(kind)));
  };
  switch (plan.type) {
    case Type::kBool: {
      bool flag = false;
      if (kind != od::json_type::boolean) return mismatch();
      if (const auto e = from.get_bool().get(flag); e != simdjson::SUCCESS) return wrong(e);
      to = Value::boolean(flag);
      return true;
    }
    case Type::kString: {
      std::string_view text;
      if (kind != od::json_type::string) return mismatch();
      if (!unescaped(from.raw_json_token(), text)) {
        if (const auto e = from.get_string().get(text); e != simdjson::SUCCESS) return wrong(e);
      }
      to = Value::string(memory->copy(text));
      return true;
    }
    case Type::kBytes:
      return binary(plan, from, to, kind);
    case Type::kStruct:
    case Type::kMap:
      if (kind == od::json_type::object) {
        od::object members;
        if (const auto e = from.get_object().get(members); e != simdjson::SUCCESS) return wrong(e);
        if (plan.type == Type::kStruct) return row(plan, members, to, depth);
        if (plan.keys->type == Type::kString) return object(plan.items, members, to, depth);
      } else if (kind == od::json_type::array && plan.type == Type::kMap &&
                 plan.keys->type != Type::kString) {
        od::array items;
        if (const auto e = from.get_array().get(items); e != simdjson::SUCCESS) return wrong(e);
        return pairs(plan, items, to, depth);
      }
      return mismatch();
    case Type::kArray: {
      od::array items;
      if (kind != od::json_type::array) return mismatch();
      if (const auto e = from.get_array().get(items); e != simdjson::SUCCESS) return wrong(e);
      return array(plan.items, items, to, depth);
    }
    default:
      break;
  }
  if (kind != od::json_type::number) return mismatch();
  return number(plan, from, to, kind);
}

bool JsonReader::Parts::number(const Plan& plan, od::value from, Value& to, od::json_type) {
  const auto token = trimmed(from.raw_json_token());
  if (plan.type == Type::kFloat32 || plan.type == Type::kFloat64) {
    double real = 0;
    if (const auto e = from.get_double().get(real); e != simdjson::SUCCESS) return wrong(e);
    if (plan.type == Type::kFloat64) {
      to = Value::float64(real);
      return true;
    }
    // Straight from the text: by way of double, a float could be rounded twice.
    float narrow = 0;
    const auto [end, bad] = std::from_chars(token.data(), token.data() + token.size(), narrow);
    if (bad != std::errc() || end != token.data() + token.size()) narrow = static_cast<float>(real);
    if (!std::isfinite(narrow))
      return wrong("the number " + std::string(token) + " does not fit FLOAT32");
    to = Value::float32(narrow);
    return true;
  }
  std::int64_t whole = 0;
  if (const auto e = from.get_int64().get(whole); e != simdjson::SUCCESS) {
    return wrong("the number " + std::string(token) + " is no " +
                 std::string(host::to_string(plan.type)));
  }
  const bool fits = plan.type == Type::kInt64 ||
                    (plan.type == Type::kInt32 && std::in_range<std::int32_t>(whole)) ||
                    (plan.type == Type::kInt16 && std::in_range<std::int16_t>(whole)) ||
                    (plan.type == Type::kInt8 && std::in_range<std::int8_t>(whole));
  if (!fits)
    return wrong("the number " + std::string(token) + " does not fit " +
                 std::string(host::to_string(plan.type)));
  to = Value::integer(whole, plan.type);
  return true;
}

bool JsonReader::Parts::binary(const Plan& plan, od::value from, Value& to, od::json_type kind) {
  if (kind == od::json_type::number && plan.decimal) {
    const auto token = trimmed(from.raw_json_token());
    double checked = 0;
    if (const auto e = from.get_double().get(checked);
        e != simdjson::SUCCESS && e != simdjson::NUMBER_ERROR)
      return wrong(e);
    const auto unscaled = decimal_bytes(token, plan.scale);
    if (!unscaled)
      return wrong("the number " + std::string(token) + " is no Decimal of scale " +
                   std::to_string(plan.scale));
    to = Value::binary(memory->copy(*unscaled));
    return true;
  }
  if (kind != od::json_type::string) {
    return wrong("the schema says BYTES, the payload has " + std::string(json_kind(kind)));
  }
  std::string_view text;
  if (const auto e = from.get_string().get(text); e != simdjson::SUCCESS) return wrong(e);
  auto* const bytes = static_cast<char*>(memory->allocate(text.size() + 1));
  const char* const end = get_base64(bytes, text);
  if (end == nullptr) return wrong("the string is not base64");
  to = Value::binary({bytes, static_cast<std::size_t>(end - bytes)});
  return true;
}

bool JsonReader::Parts::row(const Plan& plan, od::object from, Value& to, int depth) {
  const auto values = memory->values(plan.members.size());
  std::fill(values.begin(), values.end(), Value::absent());
  std::size_t expected = 0;
  for (auto member : from) {
    od::raw_json_string raw;
    if (const auto e = member.key().get(raw); e != simdjson::SUCCESS) return wrong(e);
    std::size_t at = plan.members.size();
    if (expected < plan.members.size()) {
      const auto& name = plan.members[expected].raw_name;
      // The buffer's padding makes comparing beyond a shorter key safe: strncmp stops at the first
      // difference.
      if (std::strncmp(raw.raw(), name.data(), name.size()) == 0 && raw.raw()[name.size()] == '"')
        at = expected;
    }
    if (at == plan.members.size()) {
      std::string_view name;
      if (const auto e = member.unescaped_key().get(name); e != simdjson::SUCCESS) return wrong(e);
      for (std::size_t i = 0; i < plan.members.size(); ++i) {
        if (plan.members[i].name == name) at = i;
      }
      if (at == plan.members.size()) continue;
    }
    expected = at + 1;
    od::value item;
    if (const auto e = member.value().get(item); e != simdjson::SUCCESS) return wrong(e);
    if (!value(plan.members[at].plan, item, values[at], depth + 1))
      return wrong_in(plan.members[at].name);
  }
  to = Value::row(values);
  return true;
}

bool JsonReader::Parts::array(const Plan* items, od::array from, Value& to, int depth) {
  const auto first = stack.size();
  for (auto each : from) {
    od::value item;
    if (const auto e = each.get(item); e != simdjson::SUCCESS) return wrong(e);
    Value one;
    if (!value(items, item, one, depth + 1))
      return wrong_in("[" + std::to_string(stack.size() - first) + "]");
    stack.push_back(one);
  }
  to = finish(Type::kArray, first);
  return true;
}

bool JsonReader::Parts::object(const Plan* items, od::object from, Value& to, int depth) {
  const auto first = stack.size();
  for (auto member : from) {
    std::string_view name;
    if (const auto e = member.unescaped_key().get(name); e != simdjson::SUCCESS) return wrong(e);
    const auto key = memory->copy(name);
    od::value item;
    if (const auto e = member.value().get(item); e != simdjson::SUCCESS) return wrong(e);
    Value one;
    if (!value(items, item, one, depth + 1)) return wrong_in(key);
    stack.push_back(Value::string(key));
    stack.push_back(one);
  }
  to = finish(Type::kMap, first);
  return true;
}

bool JsonReader::Parts::pairs(const Plan& plan, od::array from, Value& to, int depth) {
  const auto first = stack.size();
  for (auto each : from) {
    od::array pair;
    if (const auto e = each.get_array().get(pair); e != simdjson::SUCCESS) return wrong(e);
    int count = 0;
    for (auto half : pair) {
      if (count == 2) return wrong("a MAP entry must be [key, value]");
      od::value item;
      if (const auto e = half.get(item); e != simdjson::SUCCESS) return wrong(e);
      Value one;
      if (!value(count == 0 ? plan.keys : plan.items, item, one, depth + 1)) return false;
      stack.push_back(one);
      ++count;
    }
    if (count != 2) return wrong("a MAP entry must be [key, value]");
  }
  to = finish(Type::kMap, first);
  return true;
}

}  // namespace penstock::connect
