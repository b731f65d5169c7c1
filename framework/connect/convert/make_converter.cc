#include <charconv>
#include <utility>

#include "framework/connect/convert/converter.h"
#include "framework/connect/convert/json_reader.h"
#include "framework/connect/convert/json_writer.h"
#include "framework/connect/convert/simple_converters.h"

namespace penstock::connect {
namespace {

using Config = std::map<std::string, std::string>;

class JsonConverter final : public Converter {
 public:
  JsonConverter(const JsonOptions& options, Context& context)
      : envelope_(options.envelope), writer_(options), reader_(options, context) {}

  Result<NullableBytes> encode(const Schema* schema, const Value& value, ByteArena& out) override {
    if (value.is_null() && (schema == nullptr || !envelope_)) return NullableBytes();
    out.begin();
    PENSTOCK_RETURN_IF_ERROR(writer_.write(schema, value, out));
    return NullableBytes(out.finish());
  }
  Status decode(NullableBytes bytes, Block& memory, const Schema*& schema, Value& value) override {
    schema = nullptr;
    value = Value::null();
    if (!bytes) return {};
    return reader_.read(*bytes, memory, schema, value);
  }

 private:
  bool envelope_;
  JsonWriter writer_;
  JsonReader reader_;
};

enum class Kind { kJson, kString, kByteArray, kSimpleHeader, kUnknown };

Kind kind_of(std::string_view name) {
  constexpr std::pair<std::string_view, Kind> kNames[] = {
      {"JsonConverter", Kind::kJson},
      {"org.apache.kafka.connect.json.JsonConverter", Kind::kJson},
      {"StringConverter", Kind::kString},
      {"org.apache.kafka.connect.storage.StringConverter", Kind::kString},
      {"ByteArrayConverter", Kind::kByteArray},
      {"org.apache.kafka.connect.converters.ByteArrayConverter", Kind::kByteArray},
      {"SimpleHeaderConverter", Kind::kSimpleHeader},
      {"org.apache.kafka.connect.storage.SimpleHeaderConverter", Kind::kSimpleHeader},
  };
  for (const auto& [known, kind] : kNames) {
    if (known == name) return kind;
  }
  return Kind::kUnknown;
}

Result<bool> boolean(const std::string& key, const std::string& value) {
  if (value == "true") return true;
  if (value == "false") return false;
  return fail(Errc::kInvalid, key + ": must be true or false, not \"" + value + "\"");
}

Status json_option(const std::string& key, const std::string& name, const std::string& value,
                   JsonOptions& out) {
  if (name == "schemas.enable") {
    PENSTOCK_ASSIGN_OR_RETURN(out.envelope, boolean(key, value));
  } else if (name == "replace.null.with.default") {
    PENSTOCK_ASSIGN_OR_RETURN(out.replace_null, boolean(key, value));
  } else if (name == "decimal.format") {
    std::string upper;
    for (const char c : value) upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    if (upper != "BASE64" && upper != "NUMERIC") {
      return fail(Errc::kInvalid, key + ": must be BASE64 or NUMERIC, not \"" + value + "\"");
    }
    out.numeric_decimals = upper == "NUMERIC";
  } else if (name == "schemas.cache.size") {
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), out.schemas_max);
    if (error != std::errc() || end != value.data() + value.size()) {
      return fail(Errc::kInvalid, key + ": must be a whole number, not \"" + value + "\"");
    }
  } else if (name != "converter.type") {
    return fail(Errc::kInvalid, key + ": JsonConverter has no such setting");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Converter>> make_converter(const Config& config, const std::string& prefix,
                                                  Context& context) {
  const auto found = config.find(prefix);
  const std::string name = found != config.end()          ? found->second
                           : prefix == "header.converter" ? "SimpleHeaderConverter"
                                                          : "JsonConverter";
  const Kind kind = kind_of(name);
  if (kind == Kind::kUnknown) {
    return fail(Errc::kInvalid, prefix + ": there is no converter \"" + name +
                                    "\"; there are JsonConverter, StringConverter, "
                                    "ByteArrayConverter and SimpleHeaderConverter");
  }
  JsonOptions json;
  for (auto at = config.lower_bound(prefix + ".");
       at != config.end() && at->first.starts_with(prefix + "."); ++at) {
    const auto option = at->first.substr(prefix.size() + 1);
    if (kind == Kind::kJson) {
      PENSTOCK_RETURN_IF_ERROR(json_option(at->first, option, at->second, json));
    } else if (kind == Kind::kString && option.ends_with("converter.encoding")) {
      if (at->second != "UTF-8" && at->second != "UTF8")
        return fail(Errc::kInvalid, at->first + ": must be UTF-8");
    } else if (option != "schemas.enable" && option != "converter.type") {
      // Worker files set schemas.enable for whatever converter a connector chooses.
      return fail(Errc::kInvalid, at->first + ": " + name + " has no such setting");
    }
  }
  switch (kind) {
    case Kind::kString:
      return std::make_unique<StringConverter>(context);
    case Kind::kByteArray:
      return std::make_unique<ByteArrayConverter>(context);
    case Kind::kSimpleHeader:
      return std::make_unique<SimpleHeaderConverter>(context);
    default:
      return std::make_unique<JsonConverter>(json, context);
  }
}

std::unique_ptr<Converter> make_describing_converter(Context& context) {
  JsonOptions options;
  options.envelope = false;
  options.lenient = true;
  return std::make_unique<JsonConverter>(options, context);
}

Result<Converters> make_converters(const Config& config, Context& context) {
  Converters out;
  PENSTOCK_ASSIGN_OR_RETURN(out.key, make_converter(config, "key.converter", context));
  PENSTOCK_ASSIGN_OR_RETURN(out.value, make_converter(config, "value.converter", context));
  PENSTOCK_ASSIGN_OR_RETURN(out.header, make_converter(config, "header.converter", context));
  return out;
}

}  // namespace penstock::connect
