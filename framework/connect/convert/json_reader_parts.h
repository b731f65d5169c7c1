#pragma once

#include <simdjson.h>

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "framework/connect/convert/json_reader.h"
#include "framework/connect/convert/json_schema.h"

// Only for json_reader.cc (envelopes and schemas) and json_values.cc (values of a schema).
namespace penstock::connect {

namespace od = simdjson::ondemand;

inline constexpr std::string_view kSerialization =
    "Converting byte[] to Kafka Connect data failed due to serialization error: ";

inline std::string describe(simdjson::error_code error) { return simdjson::error_message(error); }

inline std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

struct JsonReader::Parts final : DefaultReader {
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
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

}  // namespace penstock::connect
