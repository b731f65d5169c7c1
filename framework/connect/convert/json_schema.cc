#include "framework/connect/convert/json_schema.h"

#include <simdjson.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace penstock::connect {
namespace {

namespace dom = simdjson::dom;
constexpr int kDepthMax = 100;

constexpr std::pair<std::string_view, Type> kTypes[] = {
    {"boolean", Type::kBool},   {"int8", Type::kInt8},     {"int16", Type::kInt16},
    {"int32", Type::kInt32},    {"int64", Type::kInt64},   {"float", Type::kFloat32},
    {"double", Type::kFloat64}, {"string", Type::kString}, {"bytes", Type::kBytes},
    {"array", Type::kArray},    {"map", Type::kMap},       {"struct", Type::kStruct},
};

class Parser {
 public:
  Parser(Context& context, DefaultReader& defaults) : context_(context), defaults_(defaults) {}
  Result<const Schema*> schema(dom::element from, int depth);

 private:
  Result<const Schema*> member(dom::object from, const char* name, std::string_view complaint,
                               int depth);
  Status fields(dom::object from, std::vector<Field>& out, int depth);
  Result<const Schema*> intern(const SchemaSpec& spec);
  Context& context_;
  DefaultReader& defaults_;
};

Result<const Schema*> Parser::intern(const SchemaSpec& spec) {
  try {
    return context_.schema(spec);
  } catch (const std::invalid_argument& error) {
    return fail(Errc::kInvalid, std::string("Invalid schema: ") + error.what());
  }
}

Result<const Schema*> Parser::member(dom::object from, const char* name, std::string_view complaint,
                                     int depth) {
  dom::element element;
  if (from.at_key(name).get(element) != simdjson::SUCCESS || element.is_null()) {
    return fail(Errc::kInvalid, std::string(complaint));
  }
  return schema(element, depth + 1);
}

Status Parser::fields(dom::object from, std::vector<Field>& out, int depth) {
  dom::array list;
  if (from.at_key("fields").get(list) != simdjson::SUCCESS) {
    return fail(Errc::kInvalid, "Struct schema's \"fields\" argument is not an array.");
  }
  for (const dom::element each : list) {
    std::string_view name;
    if (each.at_key("field").get(name) != simdjson::SUCCESS) {
      return fail(Errc::kInvalid, "Struct schema's field name not specified properly");
    }
    PENSTOCK_ASSIGN_OR_RETURN(const Schema* inner, schema(each, depth + 1));
    out.push_back({name, inner});
  }
  return {};
}

Result<const Schema*> Parser::schema(dom::element from, int depth) {
  if (depth > kDepthMax) return fail(Errc::kInvalid, "Schema is nested too deeply");
  dom::object object;
  std::string_view type;
  if (from.get(object) != simdjson::SUCCESS)
    return fail(Errc::kInvalid, "Schema must be an object");
  if (object.at_key("type").get(type) != simdjson::SUCCESS)
    return fail(Errc::kInvalid, "Schema must contain 'type' field");
  SchemaSpec spec;
  spec.type = Type::kNull;
  for (const auto& [name, known] : kTypes) {
    if (name == type) spec.type = known;
  }
  if (spec.type == Type::kNull)
    return fail(Errc::kInvalid, "Unknown schema type: " + std::string(type));
  std::vector<Field> members;
  if (spec.type == Type::kArray) {
    PENSTOCK_ASSIGN_OR_RETURN(
        spec.items,
        member(object, "items", "Array schema did not specify the element type", depth));
  } else if (spec.type == Type::kMap) {
    PENSTOCK_ASSIGN_OR_RETURN(
        spec.keys, member(object, "keys", "Map schema did not specify the key type", depth));
    PENSTOCK_ASSIGN_OR_RETURN(
        spec.items, member(object, "values", "Map schema did not specify the value type", depth));
  } else if (spec.type == Type::kStruct) {
    PENSTOCK_RETURN_IF_ERROR(fields(object, members, depth));
    spec.fields = members;
  }
  bool optional = false;
  if (object.at_key("optional").get(optional) == simdjson::SUCCESS) spec.optional = optional;
  dom::element element;
  if (object.at_key("name").get(element) == simdjson::SUCCESS &&
      element.get(spec.name) != simdjson::SUCCESS) {
    return fail(Errc::kInvalid, "Invalid schema name: must be a string");
  }
  if (object.at_key("version").get(element) == simdjson::SUCCESS) {
    std::int64_t version = 0;
    if (element.get(version) != simdjson::SUCCESS || !std::in_range<std::int32_t>(version)) {
      return fail(Errc::kInvalid, "Invalid schema version: must be an integer");
    }
    spec.version = static_cast<std::int32_t>(version);
  }
  if (object.at_key("doc").get(element) == simdjson::SUCCESS &&
      element.get(spec.doc) != simdjson::SUCCESS) {
    return fail(Errc::kInvalid, "Invalid schema documentation: must be a string");
  }
  std::vector<Parameter> parameters;
  if (object.at_key("parameters").get(element) == simdjson::SUCCESS && !element.is_null()) {
    dom::object pairs;
    if (element.get(pairs) != simdjson::SUCCESS)
      return fail(Errc::kInvalid, "Invalid schema parameters: must be an object");
    for (const auto& [key, value] : pairs) {
      std::string_view text;
      if (value.get(text) != simdjson::SUCCESS)
        return fail(Errc::kInvalid, "Invalid schema parameter value: must be a string");
      parameters.push_back({key, text});
    }
    spec.parameters = parameters;
  }
  if (object.at_key("default").get(element) != simdjson::SUCCESS || element.is_null())
    return intern(spec);
  PENSTOCK_ASSIGN_OR_RETURN(const Schema* without_default, intern(spec));
  Value value;
  PENSTOCK_RETURN_IF_ERROR(
      defaults_.read_default(simdjson::minify(element), *without_default, value));
  spec.default_value = &value;
  return intern(spec);
}

}  // namespace

Result<const Schema*> parse_json_schema(std::string_view text, Context& context,
                                        DefaultReader& defaults) {
  dom::parser parser;
  dom::element root;
  const simdjson::padded_string padded(text);
  if (const auto e = parser.parse(padded).get(root); e != simdjson::SUCCESS) {
    return fail(Errc::kInvalid, std::string("Schema is no JSON: ") + simdjson::error_message(e));
  }
  return Parser(context, defaults).schema(root, 0);
}

}  // namespace penstock::connect
