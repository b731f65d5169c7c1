#include "framework/connect/host/schema_interner.h"

#include <bit>
#include <charconv>
#include <cstring>
#include <functional>
#include <stdexcept>

namespace penstock::host {
namespace {

[[noreturn]] void refuse(const SchemaSpec& spec, const std::string& why) {
  throw std::invalid_argument(
      "schema " + (spec.name.empty() ? std::string("without a name") : std::string(spec.name)) +
      ": " + why);
}

void mix(std::size_t& hash, std::size_t more) {
  hash ^= more + 0x9E3779B97F4A7C15ULL + (hash << 6) + (hash >> 2);
}
std::size_t hash_of(std::string_view text) { return std::hash<std::string_view>{}(text); }

bool has_items(Type type) {
  return type == Type::kArray || type == Type::kMap || type == Type::kStruct;
}
bool has_bytes(Type type) { return type == Type::kString || type == Type::kBytes; }

bool equal(const Value& a, const Value& b) {
  if (a.type != b.type) return false;
  if (has_bytes(a.type)) return a.text() == b.text();
  if (!has_items(a.type)) return a.i == b.i || a.type == Type::kNull || a.type == Type::kAbsent;
  if (a.size != b.size) return false;
  for (std::size_t i = 0; i < a.size; ++i) {
    if (!equal(a.items[i], b.items[i])) return false;
  }
  return true;
}

bool equal(const SchemaSpec& a, const SchemaSpec& b) {
  if (a.type != b.type || a.optional != b.optional || a.name != b.name || a.version != b.version ||
      a.doc != b.doc || a.keys != b.keys || a.items != b.items ||
      a.fields.size() != b.fields.size() || a.parameters.size() != b.parameters.size() ||
      (a.default_value == nullptr) != (b.default_value == nullptr)) {
    return false;
  }
  for (std::size_t i = 0; i < a.fields.size(); ++i) {
    if (a.fields[i].schema != b.fields[i].schema || a.fields[i].name != b.fields[i].name)
      return false;
  }
  for (std::size_t i = 0; i < a.parameters.size(); ++i) {
    if (a.parameters[i].name != b.parameters[i].name ||
        a.parameters[i].value != b.parameters[i].value)
      return false;
  }
  return a.default_value == nullptr || equal(*a.default_value, *b.default_value);
}

std::size_t hash_of(const SchemaSpec& spec) {
  std::size_t hash = static_cast<std::size_t>(spec.type) * 2 + (spec.optional ? 1 : 0);
  mix(hash, hash_of(spec.name));
  mix(hash, static_cast<std::size_t>(spec.version));
  mix(hash, std::hash<const void*>{}(spec.keys));
  mix(hash, std::hash<const void*>{}(spec.items));
  for (const Field& field : spec.fields) {
    mix(hash, hash_of(field.name));
    mix(hash, std::hash<const void*>{}(field.schema));
  }
  for (const Parameter& parameter : spec.parameters) mix(hash, hash_of(parameter.value));
  return hash;
}

}  // namespace

class SchemaInterner::Owned final : public Schema {
 public:
  explicit Owned(const SchemaSpec& spec) : Schema(spec) {}
  ~Owned() = default;
};

SchemaInterner::SchemaInterner() = default;
SchemaInterner::~SchemaInterner() = default;

std::size_t SchemaInterner::size() const {
  const std::lock_guard lock(mutex_);
  return schemas_.size();
}

const Schema* SchemaInterner::intern(const SchemaSpec& spec) {
  const std::lock_guard lock(mutex_);
  const std::size_t hash = hash_of(spec);
  for (auto [at, end] = by_hash_.equal_range(hash); at != end; ++at) {
    if (equal(at->second->spec(), spec)) return at->second;
  }
  check(spec);
  if (schemas_.size() >= kSchemasMax)
    refuse(spec, "this task has made 100000 schemas; make one a table, not one a record");
  const Schema* made = &schemas_.emplace_back(copy(spec));
  known_.insert(made);
  by_hash_.emplace(hash, made);
  return made;
}

void SchemaInterner::check(const SchemaSpec& spec) const {
  if (spec.type <= Type::kAbsent || spec.type > Type::kStruct)
    refuse(spec, "its type is not one that a schema can have");
  const auto nested = [&](const Schema* inner, const std::string& what) {
    if (inner == nullptr) refuse(spec, what + " has no schema");
    if (!known_.contains(inner))
      refuse(spec, what + " has a schema that this context did not make");
  };
  if (spec.fields.size() > kSchemaFieldsMax) refuse(spec, "more than 10000 fields");
  if (spec.type != Type::kStruct && !spec.fields.empty()) refuse(spec, "only a struct has fields");
  if (spec.type != Type::kMap && spec.keys != nullptr) refuse(spec, "only a map has keys");
  if (spec.type == Type::kMap) nested(spec.keys, "the map's key");
  if (spec.type == Type::kMap || spec.type == Type::kArray) {
    nested(spec.items, spec.type == Type::kMap ? "the map's value" : "the array's item");
  } else if (spec.items != nullptr) {
    refuse(spec, "only an array or a map has items");
  }
  std::unordered_set<std::string_view> names;
  for (const Field& field : spec.fields) {
    if (field.name.empty()) refuse(spec, "a field without a name");
    nested(field.schema, "field " + std::string(field.name));
    if (!names.insert(field.name).second)
      refuse(spec, "field " + std::string(field.name) + " comes twice");
  }
  check_logical(spec);
  if (spec.default_value != nullptr) {
    const Owned probe(spec);
    if (auto wrong = mismatch(&probe, *spec.default_value))
      refuse(spec, "its default value: " + *wrong);
  }
}

void SchemaInterner::check_logical(const SchemaSpec& spec) const {
  struct Rule {
    std::string_view name;
    Type type;
  };
  static constexpr Rule kRules[] = {{logical::kDecimal, Type::kBytes},
                                    {logical::kDate, Type::kInt32},
                                    {logical::kTime, Type::kInt32},
                                    {logical::kTimestamp, Type::kInt64},
                                    {logical::kSqliteAny, Type::kStruct}};
  for (const Rule& rule : kRules) {
    if (spec.name == rule.name && spec.type != rule.type)
      refuse(spec, "must be " + std::string(to_string(rule.type)));
  }
  if (spec.name != logical::kDecimal) return;
  for (const Parameter& parameter : spec.parameters) {
    if (parameter.name != "scale") continue;
    int scale = 0;
    const char* end = parameter.value.data() + parameter.value.size();
    const auto parsed = std::from_chars(parameter.value.data(), end, scale);
    if (parsed.ec == std::errc{} && parsed.ptr == end && !parameter.value.empty()) return;
  }
  refuse(spec, "needs a parameter scale with a whole number");
}

std::string_view SchemaInterner::copy(std::string_view text) {
  if (text.empty()) return "";
  auto* to = static_cast<char*>(memory_.allocate(text.size(), 1));
  std::memcpy(to, text.data(), text.size());
  return {to, text.size()};
}

Value SchemaInterner::copy(const Value& value) {
  Value out = value;
  if (has_bytes(value.type)) out.bytes = copy(value.text()).data();
  if (has_items(value.type)) {
    auto* items =
        static_cast<Value*>(memory_.allocate((value.size + 1UL) * sizeof(Value), alignof(Value)));
    for (std::size_t i = 0; i < value.size; ++i) new (items + i) Value(copy(value.items[i]));
    out.items = items;
  }
  return out;
}

SchemaSpec SchemaInterner::copy(const SchemaSpec& spec) {
  SchemaSpec out = spec;
  out.name = copy(spec.name);
  out.doc = copy(spec.doc);
  auto* parameters = static_cast<Parameter*>(
      memory_.allocate((spec.parameters.size() + 1) * sizeof(Parameter), alignof(Parameter)));
  for (std::size_t i = 0; i < spec.parameters.size(); ++i) {
    new (parameters + i) Parameter{copy(spec.parameters[i].name), copy(spec.parameters[i].value)};
  }
  out.parameters = {parameters, spec.parameters.size()};
  auto* fields = static_cast<Field*>(
      memory_.allocate((spec.fields.size() + 1) * sizeof(Field), alignof(Field)));
  for (std::size_t i = 0; i < spec.fields.size(); ++i) {
    new (fields + i) Field{copy(spec.fields[i].name), spec.fields[i].schema};
  }
  out.fields = {fields, spec.fields.size()};
  if (spec.default_value != nullptr) {
    out.default_value =
        new (memory_.allocate(sizeof(Value), alignof(Value))) Value(copy(*spec.default_value));
  }
  return out;
}

}  // namespace penstock::host
