#include "connectors/relational/temporal.h"

#include <cstdio>
#include <limits>
#include <stdexcept>

namespace penstock::relational {
namespace {

bool leap(std::int64_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

unsigned days_in(std::int64_t year, unsigned month) {
  constexpr unsigned kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && leap(year) ? 29 : kDays[month - 1];
}

/// Takes exactly `count` digits off the front of `text`.
bool take_digits(std::string_view& text, std::size_t count, unsigned& out) {
  if (text.size() < count) return false;
  out = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const char c = text[i];
    if (c < '0' || c > '9') return false;
    out = out * 10 + static_cast<unsigned>(c - '0');
  }
  text.remove_prefix(count);
  return true;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

bool take_date(std::string_view& text, ParsedTime& out) {
  unsigned year = 0, month = 0, day = 0;
  if (!take_digits(text, 4, year) || !take(text, '-') || !take_digits(text, 2, month) ||
      !take(text, '-') || !take_digits(text, 2, day)) {
    return false;
  }
  if (month < 1 || month > 12 || day < 1 || day > days_in(year, month)) return false;
  out.days = days_from_civil(year, month, day);
  return true;
}

void take_fraction(std::string_view& text, std::int64_t& micros, bool& finer) {
  std::int64_t weight = 100'000;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    const int digit = text.front() - '0';
    if (weight == 0 && digit != 0) finer = true;
    micros += digit * weight;
    weight /= 10;
    text.remove_prefix(1);
  }
}

bool take_zone(std::string_view& text, ParsedTime& out) {
  if (text.empty() || text == "Z" || text == "z") {
    text = {};
    return true;
  }
  const int sign = text.front() == '+' ? 1 : text.front() == '-' ? -1 : 0;
  if (sign == 0) return false;
  text.remove_prefix(1);
  unsigned hours = 0, minutes = 0;
  if (!take_digits(text, 2, hours)) return false;
  if (!text.empty()) {
    take(text, ':');
    if (!take_digits(text, 2, minutes)) return false;
  }
  if (hours > 18 || minutes > 59) return false;
  out.offset_seconds = sign * static_cast<std::int64_t>(hours * 3600 + minutes * 60);
  return true;
}

bool take_clock(std::string_view& text, ParsedTime& out) {
  unsigned hour = 0, minute = 0, second = 0;
  if (!take_digits(text, 2, hour) || !take(text, ':') || !take_digits(text, 2, minute))
    return false;
  std::int64_t micros = 0;
  if (take(text, ':')) {
    if (!take_digits(text, 2, second)) return false;
    if (take(text, '.')) take_fraction(text, micros, out.finer_than_micros);
  }
  if (hour > 23 || minute > 59 || second > 59) return false;
  out.micros =
      micros + kMicrosPerSecond * static_cast<std::int64_t>(hour * 3600 + minute * 60 + second);
  return take_zone(text, out);
}

}  // namespace

std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day) {
  // Years start in March, so that the leap day is the last of its year; 400 years have 146,097
  // days.
  const std::int64_t y = year - (month <= 2 ? 1 : 0);
  const std::int64_t era = floor_div(y, 400);
  const std::int64_t year_of_era = y - era * 400;
  const std::int64_t day_of_year =
      (153 * (static_cast<std::int64_t>(month) + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const std::int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

std::int64_t ParsedTime::point() const {
  return *days * kMicrosPerDay + micros.value_or(0) - offset_seconds * kMicrosPerSecond;
}

std::optional<ParsedTime> parse_time(std::string_view text) {
  ParsedTime out;
  if (text.size() >= 5 && text[4] == '-') {
    if (!take_date(text, out)) return std::nullopt;
    if (text.empty()) return out;
    if (!take(text, 'T') && !take(text, ' ')) return std::nullopt;
  }
  if (!take_clock(text, out) || !text.empty()) return std::nullopt;
  return out;
}

std::string iso_text(std::int64_t micros, char separator) {
  const std::int64_t days = floor_div(micros, kMicrosPerDay);
  const std::int64_t in_day = micros - days * kMicrosPerDay;
  const std::int64_t shifted = days + 719'468;
  const std::int64_t era = floor_div(shifted, 146'097);
  const std::int64_t doe = shifted - era * 146'097;
  const std::int64_t yoe = (doe - doe / 1460 + doe / 36'524 - doe / 146'096) / 365;
  const std::int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const std::int64_t mp = (5 * doy + 2) / 153;
  const std::int64_t day = doy - (153 * mp + 2) / 5 + 1;
  const std::int64_t month = mp < 10 ? mp + 3 : mp - 9;
  const std::int64_t year = yoe + era * 400 + (month <= 2 ? 1 : 0);
  const std::int64_t seconds = in_day / kMicrosPerSecond;
  char out[64];
  std::snprintf(out, sizeof out, "%04lld-%02lld-%02lld%c%02lld:%02lld:%02lld.%06lld",
                static_cast<long long>(year), static_cast<long long>(month),
                static_cast<long long>(day), separator, static_cast<long long>(seconds / 3600),
                static_cast<long long>(seconds / 60 % 60), static_cast<long long>(seconds % 60),
                static_cast<long long>(in_day % kMicrosPerSecond));
  return out;
}

Granularity granularity_of(std::string_view setting) {
  if (setting == "connect_logical") return Granularity::kConnect;
  if (setting == "micros_long") return Granularity::kMicrosLong;
  if (setting == "nanos_long") return Granularity::kNanosLong;
  if (setting == "micros_iso_datetime_string") return Granularity::kMicrosIso;
  throw std::invalid_argument("timestamp.granularity: unknown value " + std::string(setting));
}

const Schema* timestamp_schema(Granularity granularity, bool optional, Context& context) {
  SchemaSpec spec{.type = Type::kInt64, .optional = optional};
  if (granularity == Granularity::kMicrosIso) spec.type = Type::kString;
  if (granularity == Granularity::kConnect) {
    spec.name = logical::kTimestamp;
    spec.version = 1;
  }
  return context.schema(spec);
}

std::optional<Value> timestamp_value(std::int64_t micros, Granularity granularity, Block& block) {
  switch (granularity) {
    case Granularity::kConnect:
      return Value::integer(floor_div(micros, 1000));
    case Granularity::kMicrosLong:
      return Value::integer(micros);
    case Granularity::kNanosLong: {
      std::int64_t nanos = 0;
      if (__builtin_mul_overflow(micros, std::int64_t{1000}, &nanos)) return std::nullopt;
      return Value::integer(nanos);
    }
    case Granularity::kMicrosIso:
      return Value::string(block.copy(iso_text(micros, 'T')));
  }
  return std::nullopt;
}

}  // namespace penstock::relational
