#include "framework/connect/convert/json_writer.h"

#include <simdjson.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "framework/connect/convert/base64.h"
#include "framework/connect/convert/decimal.h"
#include "framework/connect/host/schema_interner.h"

namespace penstock::connect {
namespace {

constexpr int kDepthMax = 500;
constexpr std::size_t kPlansPerSchema = 16;  // a schema's fields have plans too
constexpr std::size_t kNumberBytes = 32;
constexpr std::size_t kEscapedBytesMax = 6;

/// 0: as it is; 1: \u00XX; else the letter behind the backslash.
constexpr std::array<char, 256> make_escapes() {
  std::array<char, 256> out{};
  for (std::size_t c = 0; c < 0x20; ++c) out[c] = 1;
  out['"'] = '"';
  out['\\'] = '\\';
  out['\n'] = 'n';
  out['\r'] = 'r';
  out['\t'] = 't';
  out['\b'] = 'b';
  out['\f'] = 'f';
  return out;
}
constexpr auto kEscapes = make_escapes();

/// True when no byte of `text` needs an escape or is outside ASCII.
bool is_plain(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101ULL, kHigh = 0x8080808080808080ULL;
  std::size_t i = 0;
  std::uint64_t found = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t w;
    std::memcpy(&w, text.data() + i, 8);
    const std::uint64_t quote = w ^ (kOnes * '"'), slash = w ^ (kOnes * '\\');
    found |=
        w | ((w - kOnes * 0x20) & ~w) | ((quote - kOnes) & ~quote) | ((slash - kOnes) & ~slash);
  }
  if ((found & kHigh) != 0) return false;
  for (; i < text.size(); ++i) {
    const auto c = static_cast<std::uint8_t>(text[i]);
    if (c >= 0x80 || kEscapes[c] != 0) return false;
  }
  return true;
}

char* put_escaped(char* to, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (const char c : text) {
    const char how = kEscapes[static_cast<std::uint8_t>(c)];
    if (how == 0) {
      *to++ = c;
    } else if (how == 1) {
      // NOLINTNEXTLINE(bugprone-not-null-terminated-result): two digits follow
      std::memcpy(to, "\\u00", 4);
      to[4] = kHex[static_cast<std::uint8_t>(c) >> 4];
      to[5] = kHex[static_cast<std::uint8_t>(c) & 15];
      to += 6;
    } else {
      *to++ = '\\';
      *to++ = how;
    }
  }
  return to;
}

std::string_view schema_type_name(Type type) {
  switch (type) {
    case Type::kBool:
      return "boolean";
    case Type::kInt8:
      return "int8";
    case Type::kInt16:
      return "int16";
    case Type::kInt32:
      return "int32";
    case Type::kInt64:
      return "int64";
    case Type::kFloat32:
      return "float";
    case Type::kFloat64:
      return "double";
    case Type::kString:
      return "string";
    case Type::kBytes:
      return "bytes";
    case Type::kArray:
      return "array";
    case Type::kMap:
      return "map";
    case Type::kStruct:
      return "struct";
    case Type::kNull:
    case Type::kAbsent:
      break;
  }
  return "";
}

int scale_of(const Schema& schema) {
  const auto text = schema.parameter("scale");
  int scale = 0;
  std::from_chars(text.data(), text.data() + text.size(), scale);
  return scale;
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string out(text.size() * kEscapedBytesMax + 2, '\0');
  out[0] = '"';
  char* end = put_escaped(out.data() + 1, text);
  *end++ = '"';
  out.resize(static_cast<std::size_t>(end - out.data()));
  return out;
}

struct JsonWriter::Plan {
  struct Member {
    std::string prefix;  // ,"name":
    std::string_view name;
    const Plan* plan = nullptr;
  };
  Type type = Type::kNull;
  bool optional = false;
  bool decimal = false;
  int scale = 0;
  const Value* fallback = nullptr;
  const Plan* keys = nullptr;
  const Plan* items = nullptr;
  std::vector<Member> members;
  std::string envelope;  // {"schema":...,"payload":
};

JsonWriter::JsonWriter(const JsonOptions& options) : options_(options) {}
JsonWriter::~JsonWriter() = default;

const JsonWriter::Plan* JsonWriter::plan_for(const Schema& schema) {
  if (&schema == last_schema_) return last_plan_;
  auto found = plans_.find(&schema);
  if (found == plans_.end()) {
    auto plan = std::make_unique<Plan>();
    plan->type = schema.type();
    plan->optional = schema.optional();
    plan->fallback = schema.default_value();
    plan->decimal = schema.name() == logical::kDecimal && schema.type() == Type::kBytes;
    plan->scale = plan->decimal ? scale_of(schema) : 0;
    if (schema.keys() != nullptr) plan->keys = plan_for(*schema.keys());
    if (schema.items() != nullptr) plan->items = plan_for(*schema.items());
    for (const Field& field : schema.fields()) {
      plan->members.push_back(
          {"," + json_string(field.name) + ":", field.name, plan_for(*field.schema)});
    }
    found = plans_.emplace(&schema, std::move(plan)).first;
  }
  last_schema_ = &schema;
  last_plan_ = found->second.get();
  return last_plan_;
}

Status JsonWriter::write(const Schema* schema, const Value& value, ByteArena& out) {
  out_ = &out;
  if (plans_.size() > kPlansPerSchema * options_.schemas_max) {
    plans_.clear();
    last_schema_ = nullptr;
  }
  const Plan* plan = nullptr;
  if (schema != nullptr) plan = plan_for(*schema);
  if (options_.envelope) {
    if (plan != nullptr) {
      if (plan->envelope.empty()) {
        PENSTOCK_ASSIGN_OR_RETURN(const std::string text, schema_text(*schema));
        const_cast<Plan*>(plan)->envelope = "{\"schema\":" + text + ",\"payload\":";
        out_ = &out;
      }
      out.append(plan->envelope);
    } else {
      out.append(R"({"schema":null,"payload":)");
    }
  }
  if (!this->value(plan, value, 0)) {
    auto text = path_.empty() ? std::move(error_) : "field \"" + path_ + "\": " + error_;
    error_.clear();
    path_.clear();
    return fail(Errc::kInvalid, std::move(text));
  }
  if (options_.envelope) out.append('}');
  return {};
}

bool JsonWriter::wrong(std::string text) {
  error_ = std::move(text);
  return false;
}

bool JsonWriter::wrong_in(std::string_view field, bool ok) {
  if (ok) return true;
  if (path_.empty()) {
    path_ = field;
  } else {
    path_ = std::string(field) + (path_.front() == '[' ? "" : ".") + path_;
  }
  return false;
}

bool JsonWriter::value(const Plan* plan, const Value& value, int depth) {
  if (plan == nullptr) return loose(value, depth);
  if (value.type != plan->type) {
    if (value.type == Type::kNull || value.type == Type::kAbsent) return missing(plan, depth);
    return wrong("the schema says " + std::string(host::to_string(plan->type)) + ", the value is " +
                 std::string(host::to_string(value.type)));
  }
  switch (plan->type) {
    case Type::kStruct:
      return row(*plan, value, depth);
    case Type::kArray:
      return list(plan->items, value, depth);
    case Type::kMap:
      return map(plan->keys, plan->items, value, depth);
    case Type::kBytes:
      return binary(plan, value);
    default:
      return loose(value, depth);
  }
}

bool JsonWriter::missing(const Plan* plan, int depth) {
  if (plan->fallback != nullptr && !plan->fallback->is_null() && options_.replace_null) {
    return value(plan, *plan->fallback, depth);
  }
  if (!plan->optional && plan->fallback == nullptr) {
    return wrong(
        "Conversion error: null value for field that is required and has no default value");
  }
  out_->append("null");
  return true;
}

bool JsonWriter::loose(const Value& value, int depth) {
  switch (value.type) {
    case Type::kNull:
      out_->append("null");
      return true;
    case Type::kAbsent:
      return wrong("a value that was not sent cannot be written here");
    case Type::kBool:
      out_->append(value.b ? std::string_view("true") : std::string_view("false"));
      return true;
    case Type::kInt8:
    case Type::kInt16:
    case Type::kInt32:
    case Type::kInt64:
      integer(value.i);
      return true;
    case Type::kFloat32:
    case Type::kFloat64:
      return real(value);
    case Type::kString:
      return string(value.text());
    case Type::kBytes:
      return binary(nullptr, value);
    case Type::kArray:
      return list(nullptr, value, depth);
    case Type::kMap:
      return map(nullptr, nullptr, value, depth);
    case Type::kStruct:
      return wrong("a STRUCT needs a schema");
  }
  return wrong("unknown type of value");
}

void JsonWriter::integer(std::int64_t number) {
  char* to = out_->room(kNumberBytes);
  out_->advance(std::to_chars(to, to + kNumberBytes, number).ptr);
}

bool JsonWriter::real(const Value& value) {
  if (!std::isfinite(value.d)) {
    const std::string_view text = std::isnan(value.d) ? "NaN"
                                  : value.d < 0       ? "-Infinity"
                                                      : "Infinity";
    if (options_.lenient) return string(text);
    return wrong(std::string(text) + " has no form in JSON");
  }
  char* const to = out_->room(kNumberBytes);
  char* end = value.type == Type::kFloat32
                  ? std::to_chars(to, to + kNumberBytes, static_cast<float>(value.d)).ptr
                  : std::to_chars(to, to + kNumberBytes, value.d).ptr;
  // Without a point or an exponent a reader without schema would take it for an integer.
  const std::string_view text(to, static_cast<std::size_t>(end - to));
  if (text.find_first_of(".e") == std::string_view::npos) {
    *end++ = '.';
    *end++ = '0';
  }
  out_->advance(end);
  return true;
}

bool JsonWriter::string(std::string_view text) {
  if (is_plain(text)) {
    char* to = out_->room(text.size() + 2);
    *to++ = '"';
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    to += text.size();
    *to++ = '"';
    out_->advance(to);
    return true;
  }
  if (!simdjson::validate_utf8(text.data(), text.size())) {
    if (!options_.lenient) return wrong("malformed UTF-8 in a STRING");
    return binary(nullptr, Value::binary(text));
  }
  char* to = out_->room(text.size() * kEscapedBytesMax + 2);
  *to++ = '"';
  to = put_escaped(to, text);
  *to++ = '"';
  out_->advance(to);
  return true;
}

bool JsonWriter::binary(const Plan* plan, const Value& value) {
  if (plan != nullptr && plan->decimal && options_.numeric_decimals) {
    out_->append(decimal_text(value.text(), plan->scale));
    return true;
  }
  char* to = out_->room(base64_size(value.size) + 2);
  *to++ = '"';
  to = put_base64(to, value.text());
  *to++ = '"';
  out_->advance(to);
  return true;
}

bool JsonWriter::row(const Plan& plan, const Value& value, int depth) {
  if (depth > kDepthMax) return wrong("nested too deeply");
  if (value.size != plan.members.size()) {
    return wrong("the row has " + std::to_string(value.size) + " values, its schema " +
                 std::to_string(plan.members.size()) + " fields");
  }
  bool first = true;
  out_->append('{');
  for (std::size_t i = 0; i < plan.members.size(); ++i) {
    const Value& item = value.items[i];
    if (item.type == Type::kAbsent) continue;
    const Plan::Member& member = plan.members[i];
    out_->append(std::string_view(member.prefix).substr(first ? 1 : 0));
    first = false;
    if (!this->value(member.plan, item, depth + 1)) return wrong_in(member.name, false);
  }
  out_->append('}');
  return true;
}

bool JsonWriter::list(const Plan* items, const Value& value, int depth) {
  if (depth > kDepthMax) return wrong("nested too deeply");
  out_->append('[');
  for (std::uint32_t i = 0; i < value.size; ++i) {
    if (i > 0) out_->append(',');
    if (!this->value(items, value.items[i], depth + 1))
      return wrong_in("[" + std::to_string(i) + "]", false);
  }
  out_->append(']');
  return true;
}

bool JsonWriter::map(const Plan* keys, const Plan* items, const Value& value, int depth) {
  if (depth > kDepthMax) return wrong("nested too deeply");
  bool object = keys == nullptr || keys->type == Type::kString;
  for (std::uint32_t i = 0; keys == nullptr && object && i < value.size; i += 2) {
    object = value.items[i].type == Type::kString;
  }
  out_->append(object ? '{' : '[');
  for (std::uint32_t i = 0; i + 1 < value.size; i += 2) {
    if (i > 0) out_->append(',');
    if (object && value.items[i].type != Type::kString) return wrong("a MAP key must be a STRING");
    if (!object) out_->append('[');
    if (!this->value(keys, value.items[i], depth + 1))
      return wrong_in("[key " + std::to_string(i / 2) + "]", false);
    out_->append(object ? ':' : ',');
    if (!this->value(items, value.items[i + 1], depth + 1)) {
      return wrong_in(value.items[i].type == Type::kString ? value.items[i].text() : "[value]",
                      false);
    }
    if (!object) out_->append(']');
  }
  out_->append(object ? '}' : ']');
  return true;
}

Result<std::string> JsonWriter::schema_text(const Schema& schema) {
  std::string out;
  if (!schema_into(schema, std::nullopt, out)) {
    return fail(Errc::kInvalid,
                "default value of schema \"" + std::string(schema.name()) + "\": " + error_);
  }
  return out;
}

// Order of the members as Connect writes them: its own consumers cache by these bytes.
bool JsonWriter::schema_into(const Schema& schema, std::optional<std::string_view> field,
                             std::string& out) {
  out.append("{\"type\":\"").append(schema_type_name(schema.type())).append("\"");
  if (schema.type() == Type::kArray) {
    out += ",\"items\":";
    if (!schema_into(*schema.items(), std::nullopt, out)) return false;
  } else if (schema.type() == Type::kMap) {
    out += ",\"keys\":";
    if (!schema_into(*schema.keys(), std::nullopt, out)) return false;
    out += ",\"values\":";
    if (!schema_into(*schema.items(), std::nullopt, out)) return false;
  } else if (schema.type() == Type::kStruct) {
    out += ",\"fields\":[";
    for (std::size_t i = 0; i < schema.fields().size(); ++i) {
      if (i > 0) out += ',';
      if (!schema_into(*schema.fields()[i].schema, schema.fields()[i].name, out)) return false;
    }
    out += ']';
  }
  out += schema.optional() ? ",\"optional\":true" : ",\"optional\":false";
  if (!schema.name().empty()) out += ",\"name\":" + json_string(schema.name());
  if (schema.version() != 0) out += ",\"version\":" + std::to_string(schema.version());
  if (!schema.doc().empty()) out += ",\"doc\":" + json_string(schema.doc());
  if (!schema.parameters().empty()) {
    out += ",\"parameters\":";
    char separator = '{';
    for (const Parameter& parameter : schema.parameters()) {
      out += separator + json_string(parameter.name) + ":" + json_string(parameter.value);
      separator = ',';
    }
    out += '}';
  }
  if (schema.default_value() != nullptr && !schema.default_value()->is_null()) {
    ByteArena scratch;
    ByteArena* const before = std::exchange(out_, &scratch);
    const bool ok = value(plan_for(schema), *schema.default_value(), 0);
    out_ = before;
    if (!ok) return false;
    out.append(",\"default\":").append(scratch.finish());
  }
  if (field) out += ",\"field\":" + json_string(*field);
  out += '}';
  return true;
}

}  // namespace penstock::connect
