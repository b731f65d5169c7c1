#pragma once
// PostgreSQL's types: what a column becomes, and its binary format.

#include <libpq-fe.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "connectors/relational/config.h"
#include "connectors/relational/database.h"

namespace penstock::postgres {

enum class Kind : int {
  kBool,
  kInt2,
  kInt4,
  kInt8,
  kOid,
  kFloat4,
  kFloat8,
  kNumeric,  // numeric(p,s): Decimal
  kNumber,   // the same under numeric.mapping: Column::detail is the Type
  kText,     // sent as text by its binary format: text, varchar, char, json, enums
  kCast,     // everything else: selected with ::text
  kJsonb,
  kBytea,
  kDate,
  kTime,
  kTimestamp,  // with and without time zone
  kArray,      // one dimension; Column::detail is the Kind of its items
};

struct TypeInfo {
  Oid oid = 0;  // a domain's base type
  int modifier = -1;
  char category = 0;  // pg_type.typtype: 'e' is an enum
  Oid item = 0;       // of an array; else 0
  char item_category = 0;
};

/// Sets kind, detail, precision, scale, integer and temporal of `column`.
void declare(relational::Column& column, const TypeInfo& type, relational::NumericMapping mapping);

const Schema* schema_of(const relational::Column& column, relational::Granularity granularity,
                        Context& context);

/// False when the server sends a type that `column` was not described with.
bool agrees(const relational::Column& column, Oid sent);

/// Writes one value that is not null, in binary format. False: `why` says what is wrong.
bool convert(std::string_view bytes, const relational::Column& column,
             relational::Granularity granularity, Block& block, Value& out, std::string& why);

/// Whole numbers of any kind that may be an incrementing column. Throws std::runtime_error when it
/// is none.
std::int64_t integer_of(std::string_view bytes, const relational::Column& column);

/// Microseconds since 1970-01-01 UTC of a timestamptz. Throws std::runtime_error for infinity.
std::int64_t time_of(std::string_view bytes);

}  // namespace penstock::postgres
