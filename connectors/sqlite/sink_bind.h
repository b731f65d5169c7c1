#pragma once
// What a SQLite column takes. SQLite itself stores any value in any column; the sink keeps to the
// declared type, so that a column holds what its readers expect.

#include <sqlite3.h>

#include "connectors/relational/sink_plan.h"

namespace penstock::sqlite {

/// By SQLite's affinity rules (declared type), and inside NUMERIC by the name.
enum ColumnKind : int {
  kAnyKind,
  kIntegerKind,
  kRealKind,
  kTextKind,
  kBlobKind,
  kNumericKind,
  kBooleanKind,
  kTimeKind
};
ColumnKind kind_of(std::string_view declared_type);

/// Binds `value` to `parameter`. Bytes are not copied where they need no conversion: they must live
/// until the statement is reset. Throws Misfit.
void bind_value(sqlite3_stmt* statement, int parameter, const relational::PlanColumn& column,
                const Value& value);

}  // namespace penstock::sqlite
