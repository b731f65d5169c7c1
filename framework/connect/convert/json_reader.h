#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "framework/base/error.h"
#include "framework/connect/convert/json_writer.h"
#include "penstock/plugin.h"

namespace penstock::connect {

/// Connect's JSON as values, exact or an error. The same bytes of a schema give the same schema
/// without parsing them again. One thread.
///
/// A field that the payload leaves out is kAbsent, so that a sink leaves it as it is. A whole
/// number without a schema is kInt64; one that does not fit is an error, as are numbers beyond the
/// range of their schema's type. Fields that the schema does not have are ignored, as in Connect.
class JsonReader {
 public:
  /// `context` interns schemas and outlives the reader.
  JsonReader(const JsonOptions& options, Context& context);
  ~JsonReader();

  Status read(std::string_view text, Block& memory, const Schema*& schema, Value& value);
  /// Connect's JSON for a schema. Default values are read into `memory` first.
  Result<const Schema*> schema_of(std::string_view text, Block& memory);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace penstock::connect
