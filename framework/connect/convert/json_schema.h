#pragma once

#include <string_view>

#include "framework/base/error.h"
#include "penstock/plugin.h"

namespace penstock::connect {

/// Reads the default value inside a schema; what `out` views lives at least until the schema is
/// interned.
class DefaultReader {
 public:
  virtual ~DefaultReader() = default;
  virtual Status read_default(std::string_view json, const Schema& schema, Value& out) = 0;
};

/// Connect's JSON for a schema, interned by `context`. kInvalid says what is wrong in Connect's
/// words.
Result<const Schema*> parse_json_schema(std::string_view text, Context& context,
                                        DefaultReader& defaults);

}  // namespace penstock::connect
