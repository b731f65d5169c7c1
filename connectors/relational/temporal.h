#pragma once
// Dates and times: calendar arithmetic, ISO text, and how a timestamp becomes a value
// (timestamp.granularity). A point in time is microseconds since 1970-01-01 UTC, in the proleptic
// Gregorian calendar.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "penstock/plugin.h"

namespace penstock::relational {

inline constexpr std::int64_t kMicrosPerSecond = 1'000'000;
inline constexpr std::int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;

/// Rounds towards minus infinity.
constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - ((a % b != 0) && ((a < 0) != (b < 0)));
}

/// Days since 1970-01-01 of a valid calendar day.
std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day);

/// What a text such as 2013-01-31, 05:00:12.5 or 2013-01-31T05:00:12.123456+02:00 says.
struct ParsedTime {
  std::optional<std::int64_t>
      days;  // since 1970-01-01; not set when the text is only a time of day
  std::optional<std::int64_t>
      micros;  // since midnight, local to the offset; not set when the text is only a date
  std::int64_t offset_seconds = 0;  // east of UTC
  bool finer_than_micros = false;   // digits other than zero were cut off
  /// Microseconds since 1970-01-01 UTC. `days` must be set.
  [[nodiscard]] std::int64_t point() const;
};
/// Empty when `text` is none of these forms or no day of the calendar. 'T' or a space stands
/// between date and time.
std::optional<ParsedTime> parse_time(std::string_view text);

/// 2013-01-31<separator>05:00:12.123456, in UTC. Years from 0 to 9999 have four digits.
std::string iso_text(std::int64_t micros, char separator);

enum class Granularity : std::uint8_t {
  kConnect,     // connect_logical: org.apache.kafka.connect.data.Timestamp, milliseconds
  kMicrosLong,  // micros_long: int64
  kNanosLong,   // nanos_long: int64
  kMicrosIso,   // micros_iso_datetime_string: 2013-01-31T05:00:12.123456
};
Granularity granularity_of(std::string_view setting);

/// The smallest step that `granularity` keeps, in microseconds.
constexpr std::int64_t step_of(Granularity granularity) {
  return granularity == Granularity::kConnect ? 1000 : 1;
}

/// Optional or required schema of a timestamp under `granularity`.
const Schema* timestamp_schema(Granularity granularity, bool optional, Context& context);

/// Cuts off what is finer than the granularity. Empty when nanoseconds do not fit an int64.
std::optional<Value> timestamp_value(std::int64_t micros, Granularity granularity, Block& block);

}  // namespace penstock::relational
