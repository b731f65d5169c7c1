#include <limits>
#include <string>

#include "framework/connect/host/schema_interner.h"

namespace penstock::host {
namespace {

constexpr int kDepthMax = 64;  // deeper is a value that points at itself

bool fits(Type type, std::int64_t x) {
  switch (type) {
    case Type::kInt8:
      return x >= std::numeric_limits<std::int8_t>::min() &&
             x <= std::numeric_limits<std::int8_t>::max();
    case Type::kInt16:
      return x >= std::numeric_limits<std::int16_t>::min() &&
             x <= std::numeric_limits<std::int16_t>::max();
    case Type::kInt32:
      return x >= std::numeric_limits<std::int32_t>::min() &&
             x <= std::numeric_limits<std::int32_t>::max();
    default:
      return true;
  }
}

std::optional<std::string> inside(const std::string& where, std::optional<std::string> wrong) {
  if (wrong)
    *wrong = where + (wrong->starts_with("field ") || wrong->starts_with("item ") ? ", " : ": ") +
             *wrong;
  return wrong;
}

std::optional<std::string> mismatch_at(const Schema* schema, const Value& value, int depth) {
  if (depth > kDepthMax) return "nested deeper than 64 levels";
  if (value.type > Type::kStruct) return "its type is not one of penstock::Type";
  if (value.type == Type::kAbsent) return "ABSENT where a value must be";
  if (value.is_null()) {
    if (schema == nullptr || schema->optional() || schema->default_value() != nullptr)
      return std::nullopt;
    return "NULL where the schema is not optional";
  }
  if (schema != nullptr && value.type != schema->type()) {
    return std::string(to_string(value.type)) + " where the schema has " +
           std::string(to_string(schema->type()));
  }
  if (value.is_integer() && !fits(value.type, value.i)) {
    return std::to_string(value.i) + " does not fit " + std::string(to_string(value.type));
  }
  if (value.type == Type::kStruct) {
    if (schema == nullptr) return "a STRUCT without a schema; use a MAP";
    const auto fields = schema->fields();
    if (value.size != fields.size()) {
      return std::to_string(value.size) + " values where the schema has " +
             std::to_string(fields.size()) + " fields";
    }
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (value.items[i].type == Type::kAbsent) continue;
      if (auto wrong = mismatch_at(fields[i].schema, value.items[i], depth + 1)) {
        return inside("field " + std::string(fields[i].name), std::move(wrong));
      }
    }
  }
  if (value.type == Type::kMap && value.size % 2 != 0) return "a MAP with a key that has no value";
  if (value.type == Type::kArray || value.type == Type::kMap) {
    for (std::size_t i = 0; i < value.size; ++i) {
      const bool key = value.type == Type::kMap && i % 2 == 0;
      const Schema* inner = schema == nullptr ? nullptr : key ? schema->keys() : schema->items();
      if (auto wrong = mismatch_at(inner, value.items[i], depth + 1)) {
        return inside("item " + std::to_string(value.type == Type::kMap ? i / 2 : i),
                      std::move(wrong));
      }
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> mismatch(const Schema* schema, const Value& value) {
  return mismatch_at(schema, value, 0);
}

std::string_view to_string(Type type) {
  static constexpr std::string_view kNames[] = {"NULL",  "ABSENT", "BOOLEAN", "INT8",    "INT16",
                                                "INT32", "INT64",  "FLOAT32", "FLOAT64", "STRING",
                                                "BYTES", "ARRAY",  "MAP",     "STRUCT"};
  const auto index = static_cast<std::size_t>(type);
  return index < std::size(kNames) ? kNames[index] : "?";
}

}  // namespace penstock::host
