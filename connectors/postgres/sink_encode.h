#pragma once
// Values in PostgreSQL's binary format.

#include <cstdint>
#include <string>

#include "connectors/relational/sink_plan.h"

namespace penstock::postgres {

/// How a value travels. kCast: as text that the server casts to the column's type (COPY cannot).
enum Encoding : int {
  kBool,
  kInt2,
  kInt4,
  kInt8,
  kFloat4,
  kFloat8,
  kNumeric,
  kText,
  kPaddedText,
  kBytea,
  kDate,
  kTime,
  kTimestamp,
  kTimestampTz,
  kUuid,
  kJson,
  kJsonb,
  kCast,
};
/// The encoding of a column of type `oid` when its value is one of its own kind.
Encoding encoding_of(std::uint32_t oid);
/// Types of one value and of an array of them; for kCast those of text.
struct WireType {
  std::uint32_t element;
  std::uint32_t array;
};
WireType wire_type(int encoding);
/// Equal values have equal bytes, and only they.
bool bytes_decide(int encoding);

/// Picks column.encoding. Throws BadShape when no value of the column's schema fits.
void choose_encoding(relational::PlanColumn& column);

/// Appends length (int32, -1 for NULL) and bytes. Throws Misfit.
void encode(const relational::PlanColumn& column, const Value& value, std::string& out);

void append_int16(std::string& out, std::int16_t value);
void append_int32(std::string& out, std::int32_t value);
void append_int64(std::string& out, std::int64_t value);

}  // namespace penstock::postgres
