#pragma once
// What a declared type of SQLite means, and how a stored value becomes a value of it.

#include <sqlite3.h>

#include <string>
#include <string_view>

#include "connectors/relational/config.h"
#include "connectors/relational/database.h"

namespace penstock::sqlite {

enum class Kind : int {
  kInteger,    // int64
  kReal,       // float64
  kText,       // string
  kBlob,       // bytes
  kBoolean,    // 0 or 1
  kDate,       // ISO text, or milliseconds since 1970-01-01 as the JDBC driver stores them
  kTime,       // ISO text
  kTimestamp,  // ISO text, or milliseconds since 1970-01-01
  kDecimal,    // DECIMAL(p,s) and NUMERIC(p,s): Decimal
  kNumber,     // the same under numeric.mapping: Column::detail is the Type
  kAny,        // penstock.sqlite.Any: undeclared, NUMERIC, unknown names
};

/// Sets type, kind, precision, scale, integer and temporal of `column` from the declared type.
void declare(relational::Column& column, std::string_view declared,
             relational::NumericMapping mapping);

const Schema* schema_of(const relational::Column& column, relational::Granularity granularity,
                        Context& context);

/// Writes `value` as `column` says. False: `why` says what is wrong, and `out` is null.
bool convert(sqlite3_value* value, const relational::Column& column,
             relational::Granularity granularity, Block& block, Value& out, std::string& why);

/// SQL function penstock_time(x): microseconds since 1970-01-01 UTC of ISO text or of integer
/// milliseconds; null of null; an error for anything else.
void register_time_function(sqlite3* db);

}  // namespace penstock::sqlite
