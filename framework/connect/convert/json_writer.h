#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "framework/base/error.h"
#include "framework/connect/convert/byte_arena.h"
#include "penstock/value.h"

namespace penstock::connect {

struct JsonOptions {
  bool envelope = true;            // schemas.enable
  bool numeric_decimals = false;   // decimal.format=NUMERIC
  bool replace_null = true;        // replace.null.with.default
  std::size_t schemas_max = 1000;  // schemas.cache.size
  /// What JSON cannot hold (NaN, infinities, malformed UTF-8) is described as a string instead of
  /// failing: dead letters only.
  bool lenient = false;
};

/// Values as Connect's JSON, straight into an arena. What a schema needs is worked out once for
/// each schema. One thread.
class JsonWriter {
 public:
  explicit JsonWriter(const JsonOptions& options);
  ~JsonWriter();

  /// Appends {"schema":...,"payload":...}, or the payload alone, to the text begun in `out`.
  Status write(const Schema* schema, const Value& value, ByteArena& out);
  /// Connect's JSON for a schema.
  Result<std::string> schema_text(const Schema& schema);

 private:
  struct Plan;
  const Plan* plan_for(const Schema& schema);
  bool value(const Plan* plan, const Value& value, int depth);
  bool loose(const Value& value, int depth);
  bool row(const Plan& plan, const Value& value, int depth);
  bool list(const Plan* items, const Value& value, int depth);
  bool map(const Plan* keys, const Plan* items, const Value& value, int depth);
  bool missing(const Plan* plan, int depth);
  bool binary(const Plan* plan, const Value& value);
  bool real(const Value& value);
  bool string(std::string_view text);
  void integer(std::int64_t number);
  bool wrong(std::string text);
  bool wrong_in(std::string_view field, bool ok);
  /// `field`: the name under which a struct has it.
  bool schema_into(const Schema& schema, std::optional<std::string_view> field, std::string& out);

  JsonOptions options_;
  std::unordered_map<const Schema*, std::unique_ptr<Plan>> plans_;
  const Schema* last_schema_ = nullptr;
  const Plan* last_plan_ = nullptr;
  ByteArena* out_ = nullptr;
  std::string error_;
  std::string path_;
};

/// `text` as a JSON string with its quotes; bytes that are no UTF-8 are kept.
[[nodiscard]] std::string json_string(std::string_view text);

}  // namespace penstock::connect
