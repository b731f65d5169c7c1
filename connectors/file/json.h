#pragma once
// Values to JSON as Connect's JsonConverter writes payloads, and JSON lines to schema-less values.

#include <memory>
#include <string>
#include <string_view>

#include "penstock/value.h"

namespace penstock::file {

/// Appends one line's worth of JSON, without line end. Throws std::invalid_argument for what JSON
/// cannot hold.
void append_json(std::string& out, const Schema* schema, const Value& value);
bool valid_utf8(std::string_view text);

class JsonLines {
 public:
  JsonLines();
  ~JsonLines();
  /// Objects become maps, integers kInt64, other numbers kFloat64. Throws std::invalid_argument
  /// with the reason.
  Value parse(std::string_view line, Block& memory);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace penstock::file
