#pragma once
// Polling modes as plain functions: where a table was read up to, how that is stored, and the
// statement that reads on.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "connectors/relational/database.h"

namespace penstock::relational {

enum class Mode : std::uint8_t { kBulk, kIncrementing, kTimestamp, kTimestampIncrementing };
Mode mode_of(std::string_view setting);
constexpr bool uses_id(Mode mode) {
  return mode == Mode::kIncrementing || mode == Mode::kTimestampIncrementing;
}
constexpr bool uses_time(Mode mode) {
  return mode == Mode::kTimestamp || mode == Mode::kTimestampIncrementing;
}

/// Read up to here, inclusive.
struct Position {
  std::optional<std::int64_t> id;
  std::optional<std::int64_t> time;  // microseconds since 1970-01-01 UTC
  friend bool operator==(const Position&, const Position&) = default;
};

/// Offset fields of `mode` in their order: incrementing; timestamp (ms), timestamp_nanos
/// (nanosecond of its second).
std::span<const std::string_view> offset_fields(Mode mode);
/// `fields` has one value for each of offset_fields(mode).
Position position_of(Mode mode, std::span<const Value> fields);
void write_offset(Mode mode, const Position& position, std::span<Value> fields);

/// {"protocol":"1","table":"<qualified>"}; the older {"table":"<name>"}; {"query":"query"}.
std::string partition_v1(const TableId& table);
std::string partition_v0(std::string_view table);
inline constexpr std::string_view kQueryPartition = R"({"query":"query"})";

/// The parts of a statement that do not change from one to the next.
struct SelectParts {
  std::string list;  // columns, and what read positions need
  std::string from;  // quoted table, or (query) AS q
  std::string id;    // quoted incrementing column
  TimeExpression time;
};
struct Range {
  Position after;
  std::optional<std::int64_t> id_max;    // inclusive
  std::optional<std::int64_t> time_end;  // exclusive
};
std::string statement(Mode mode, const SelectParts& parts, const Range& range, Database& dialect);

}  // namespace penstock::relational
