#include "framework/connect/convert/json_reader.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "framework/connect/convert/base64.h"
#include "framework/connect/convert/decimal.h"
#include "framework/connect/convert/json_schema.h"
#include "framework/connect/host/schema_interner.h"

namespace penstock::connect {
namespace {

namespace od = simdjson::ondemand;

constexpr std::string_view kEnvelopeStart = R"({"schema":)";
constexpr std::string_view kPayload = R"(,"payload":)";
constexpr std::string_view kNotAnEnvelope =
    "JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may not "
    "contain additional fields. "
    "If you are trying to deserialize plain JSON data, set schemas.enable=false in your converter "
    "configuration.";
constexpr std::string_view kSerialization =
    "Converting byte[] to Kafka Connect data failed due to serialization error: ";
constexpr int kDepthMax = 500;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string describe(simdjson::error_code error) { return simdjson::error_message(error); }

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

bool at_end(od::document& document) {
  return document.current_location().error() == simdjson::OUT_OF_BOUNDS;
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

struct Hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};

}  // namespace

struct JsonReader::Parts final : DefaultReader {
  struct Plan {
    struct Member {
      std::string raw_name;  // as JSON writes it, without quotes
      std::string_view name;
      const Plan* plan = nullptr;
    };
    const Schema* schema = nullptr;
    Type type = Type::kNull;
    bool optional = false;
    bool decimal = false;
    int scale = 0;
    const Value* fallback = nullptr;
    const Plan* keys = nullptr;
    const Plan* items = nullptr;
    std::vector<Member> members;
  };
  struct Known {
    std::string text;
    const Schema* schema = nullptr;
    const Plan* plan = nullptr;
  };

  Parts(const JsonOptions& o, Context& c) : options(o), context(c) {}

  Status read(std::string_view text, const Plan* plan, Value& out);
  Status read_default(std::string_view json, const Schema& schema, Value& out) override;
  Result<const Known*> known(std::string_view schema_text);
  const Plan* plan_for(const Schema& schema);
  Status slow(std::string_view text, const Schema*& schema, Value& value);

  bool value(const Plan* plan, od::value from, Value& to, int depth);
  bool typed(const Plan& plan, od::value from, Value& to, int depth);
  bool missing(const Plan* plan, Value& to);
  bool number(const Plan& plan, od::value from, Value& to, od::json_type kind);
  bool loose_number(od::value from, Value& to);
  bool row(const Plan& plan, od::object from, Value& to, int depth);
  bool array(const Plan* items, od::array from, Value& to, int depth);
  bool object(const Plan* items, od::object from, Value& to, int depth);
  bool pairs(const Plan& plan, od::array from, Value& to, int depth);
  bool binary(const Plan& plan, od::value from, Value& to, od::json_type kind);
  bool wrong(std::string text);
  bool wrong(simdjson::error_code error);
  bool wrong_in(std::string_view field);
  Value finish(Type type, std::size_t first);

  JsonOptions options;
  Context& context;
  Block* memory = nullptr;
  od::parser parser;
  std::string buffer;        // [payload] and padding
  std::vector<Value> stack;  // items of lists whose length is not known yet
  std::string error, path;
  std::unordered_map<std::string, std::unique_ptr<Known>, Hash, std::equal_to<>> schemas;
  std::unordered_map<const Schema*, std::unique_ptr<Plan>> plans;
  const Known* last = nullptr;
};

JsonReader::JsonReader(const JsonOptions& options, Context& context)
    : parts_(std::make_unique<Parts>(options, context)) {}
JsonReader::~JsonReader() = default;

Result<const Schema*> JsonReader::schema_of(std::string_view text, Block& memory) {
  parts_->memory = &memory;
  PENSTOCK_ASSIGN_OR_RETURN(const auto* known, parts_->known(text));
  return known->schema;
}

Status JsonReader::read(std::string_view text, Block& memory, const Schema*& schema, Value& value) {
  Parts& p = *parts_;
  p.memory = &memory;
  schema = nullptr;
  if (!p.options.envelope) return p.read(text, nullptr, value);
  // The usual case: our own or Connect's bytes, with the schema that came last time.
  if (p.last != nullptr && text.starts_with(kEnvelopeStart) && text.ends_with('}')) {
    const auto behind = text.substr(kEnvelopeStart.size());
    if (behind.starts_with(p.last->text) &&
        behind.substr(p.last->text.size()).starts_with(kPayload)) {
      const auto payload = behind.substr(p.last->text.size() + kPayload.size());
      if (p.read(payload.substr(0, payload.size() - 1), p.last->plan, value)) {
        schema = p.last->schema;
        return {};
      }
    }
  }
  return p.slow(text, schema, value);
}

/// Any order and spacing of the two members; the exact reason when they are not the two.
Status JsonReader::Parts::slow(std::string_view text, const Schema*& schema, Value& out) {
  simdjson::padded_string padded(text);
  od::document document;
  const auto failed = [](simdjson::error_code e) {
    return fail(Errc::kInvalid, std::string(kSerialization) + describe(e));
  };
  if (const auto e = parser.iterate(padded).get(document); e != simdjson::SUCCESS) return failed(e);
  od::json_type kind{};
  if (const auto e = document.type().get(kind); e != simdjson::SUCCESS) return failed(e);
  if (kind != od::json_type::object) return fail(Errc::kInvalid, std::string(kNotAnEnvelope));
  std::optional<std::string> schema_text, payload;
  od::object members;
  if (const auto e = document.get_object().get(members); e != simdjson::SUCCESS) return failed(e);
  for (auto member : members) {
    std::string_view name;
    if (const auto e = member.unescaped_key().get(name); e != simdjson::SUCCESS) return failed(e);
    auto* slot = name == "schema" ? &schema_text : name == "payload" ? &payload : nullptr;
    if (slot == nullptr || *slot) return fail(Errc::kInvalid, std::string(kNotAnEnvelope));
    od::value item;
    if (const auto e = member.value().get(item); e != simdjson::SUCCESS) return failed(e);
    od::json_type item_kind{};
    if (const auto e = item.type().get(item_kind); e != simdjson::SUCCESS) return failed(e);
    std::string_view raw;
    simdjson::error_code e = simdjson::SUCCESS;
    if (item_kind == od::json_type::object) {
      od::object inner;
      e = item.get_object().get(inner);
      if (e == simdjson::SUCCESS) e = inner.raw_json().get(raw);
    } else if (item_kind == od::json_type::array) {
      od::array inner;
      e = item.get_array().get(inner);
      if (e == simdjson::SUCCESS) e = inner.raw_json().get(raw);
    } else {
      raw = item.raw_json_token();
    }
    if (e != simdjson::SUCCESS) return failed(e);
    *slot = std::string(trimmed(raw));
  }
  if (!at_end(document)) return failed(simdjson::TRAILING_CONTENT);
  if (!schema_text || !payload) return fail(Errc::kInvalid, std::string(kNotAnEnvelope));
  if (*schema_text == "null") return read(*payload, nullptr, out);
  PENSTOCK_ASSIGN_OR_RETURN(const Known* found, known(*schema_text));
  last = found;
  PENSTOCK_RETURN_IF_ERROR(read(*payload, found->plan, out));
  schema = found->schema;
  return {};
}

Result<const JsonReader::Parts::Known*> JsonReader::Parts::known(std::string_view text) {
  if (const auto found = schemas.find(text); found != schemas.end()) return found->second.get();
  PENSTOCK_ASSIGN_OR_RETURN(const Schema* schema, parse_json_schema(text, context, *this));
  if (schemas.size() >= std::max<std::size_t>(options.schemas_max, 1)) {
    schemas.clear();
    last = nullptr;
  }
  auto made = std::make_unique<Known>(Known{std::string(text), schema, plan_for(*schema)});
  const Known* out = made.get();
  schemas.emplace(std::string(text), std::move(made));
  return out;
}

const JsonReader::Parts::Plan* JsonReader::Parts::plan_for(const Schema& schema) {
  if (const auto found = plans.find(&schema); found != plans.end()) return found->second.get();
  auto plan = std::make_unique<Plan>();
  plan->schema = &schema;
  plan->type = schema.type();
  plan->optional = schema.optional();
  plan->fallback = schema.default_value();
  plan->decimal = schema.name() == logical::kDecimal && schema.type() == Type::kBytes;
  if (plan->decimal) {
    const auto scale = schema.parameter("scale");
    std::from_chars(scale.data(), scale.data() + scale.size(), plan->scale);
  }
  if (schema.keys() != nullptr) plan->keys = plan_for(*schema.keys());
  if (schema.items() != nullptr) plan->items = plan_for(*schema.items());
  for (const Field& field : schema.fields()) {
    const auto quoted = json_string(field.name);
    plan->members.push_back(
        {quoted.substr(1, quoted.size() - 2), field.name, plan_for(*field.schema)});
  }
  const Plan* out = plan.get();
  plans.emplace(&schema, std::move(plan));
  return out;
}

Status JsonReader::Parts::read_default(std::string_view json, const Schema& schema, Value& out) {
  return read(json, plan_for(schema), out);
}

/// simdjson treats a scalar document apart from a value: as the one item of an array it is a value
/// like any other.
Status JsonReader::Parts::read(std::string_view text, const Plan* plan, Value& out) {
  buffer.resize(text.size() + 2 + simdjson::SIMDJSON_PADDING);
  buffer[0] = '[';
  if (!text.empty()) std::memcpy(buffer.data() + 1, text.data(), text.size());
  buffer[text.size() + 1] = ']';
  std::memset(buffer.data() + text.size() + 2, ' ', simdjson::SIMDJSON_PADDING);
  stack.clear();
  error.clear();
  path.clear();
  od::document document;
  od::array whole;
  const auto failed = [](std::string_view why) {
    return fail(Errc::kInvalid, std::string(kSerialization).append(why));
  };
  auto e = parser.iterate(buffer.data(), text.size() + 2, buffer.size()).get(document);
  if (e == simdjson::SUCCESS) e = document.get_array().get(whole);
  if (e != simdjson::SUCCESS) return failed(describe(e));
  int count = 0;
  for (auto item : whole) {
    if (++count > 1) return failed("more than one value");
    od::value from;
    e = item.get(from);
    if (e != simdjson::SUCCESS) return failed(describe(e));
    if (!value(plan, from, out, 0)) {
      auto why = path.empty() ? std::move(error) : "field \"" + path + "\": " + error;
      return fail(Errc::kInvalid, std::move(why));
    }
  }
  if (count == 0) return failed("no value");
  if (!at_end(document)) return failed(describe(simdjson::TRAILING_CONTENT));
  return {};
}

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
