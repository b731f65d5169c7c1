#include "framework/connect/convert/json_reader_parts.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "framework/connect/host/schema_interner.h"

namespace penstock::connect {
namespace {

constexpr std::string_view kEnvelopeStart = R"({"schema":)";
constexpr std::string_view kPayload = R"(,"payload":)";
constexpr std::string_view kNotAnEnvelope =
    "JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may not "
    "contain additional fields. "
    "If you are trying to deserialize plain JSON data, set schemas.enable=false in your converter "
    "configuration.";

bool at_end(od::document& document) {
  return document.current_location().error() == simdjson::OUT_OF_BOUNDS;
}

}  // namespace

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

}  // namespace penstock::connect
