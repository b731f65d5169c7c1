#include "connectors/relational/polling.h"

#include <cstdio>
#include <optional>
#include <stdexcept>

#include "connectors/relational/temporal.h"

namespace penstock::relational {
namespace {

constexpr std::array<std::string_view, 3> kFields = {"incrementing", "timestamp",
                                                     "timestamp_nanos"};

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(byte));
      out += escaped;
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string after(Mode mode, const SelectParts& parts, const Position& at, Database& dialect) {
  const bool id = uses_id(mode) && at.id.has_value();
  const bool time = uses_time(mode) && at.time.has_value();
  if (time && id) {
    return " AND (" + parts.time.compared + ", " + parts.id + ") > (" +
           dialect.time_literal(parts.time, *at.time) + ", " + std::to_string(*at.id) + ")";
  }
  if (time)
    return " AND " + parts.time.compared + " > " + dialect.time_literal(parts.time, *at.time);
  if (id && mode == Mode::kIncrementing) return " AND " + parts.id + " > " + std::to_string(*at.id);
  return {};
}

}  // namespace

Mode mode_of(std::string_view setting) {
  if (setting == "bulk") return Mode::kBulk;
  if (setting == "incrementing") return Mode::kIncrementing;
  if (setting == "timestamp") return Mode::kTimestamp;
  if (setting == "timestamp+incrementing") return Mode::kTimestampIncrementing;
  throw std::invalid_argument("mode: unknown value '" + std::string(setting) + "'");
}

std::span<const std::string_view> offset_fields(Mode mode) {
  const std::span<const std::string_view> all = kFields;
  switch (mode) {
    case Mode::kBulk:
      return {};
    case Mode::kIncrementing:
      return all.first(1);
    case Mode::kTimestamp:
      return all.last(2);
    case Mode::kTimestampIncrementing:
      return all;
  }
  return {};
}

Position position_of(Mode mode, std::span<const Value> fields) {
  const auto integer = [](const Value& field, const char* name) -> std::optional<std::int64_t> {
    if (field.is_integer()) return field.i;
    if (field.is_null() || field.type == Type::kAbsent) return std::nullopt;
    throw std::runtime_error(std::string("the stored source offset's field ") + name +
                             " is not a whole number; correct it with PATCH "
                             "/connectors/{name}/offsets, or DELETE it to begin anew");
  };
  Position out;
  std::size_t next = 0;
  if (uses_id(mode)) out.id = integer(fields[next++], "incrementing");
  if (uses_time(mode)) {
    const auto ms = integer(fields[next], "timestamp");
    const auto nanos = integer(fields[next + 1], "timestamp_nanos");
    if (ms) {
      out.time = *ms * 1000;
      // The part below the second is in both fields; only its microseconds are new.
      if (nanos) out.time = floor_div(*ms, 1000) * kMicrosPerSecond + *nanos / 1000;
    }
  }
  return out;
}

void write_offset(Mode mode, const Position& position, std::span<Value> fields) {
  std::size_t next = 0;
  if (uses_id(mode)) fields[next++] = position.id ? Value::integer(*position.id) : Value::absent();
  if (!uses_time(mode)) return;
  const std::int64_t micros = position.time.value_or(0);
  const std::int64_t second = floor_div(micros, kMicrosPerSecond);
  fields[next] = position.time ? Value::integer(floor_div(micros, 1000)) : Value::absent();
  fields[next + 1] =
      position.time ? Value::integer((micros - second * kMicrosPerSecond) * 1000) : Value::absent();
}

std::string partition_v1(const TableId& table) {
  return R"({"protocol":"1","table":)" + json_string(table.qualified()) + "}";
}

std::string partition_v0(std::string_view table) {
  return R"({"table":)" + json_string(table) + "}";
}

std::string statement(Mode mode, const SelectParts& parts, const Range& range, Database& dialect) {
  std::string sql = "SELECT " + parts.list + " FROM " + parts.from;
  if (mode == Mode::kBulk) return sql;
  sql += " WHERE ";
  sql += uses_time(mode) ? parts.time.compared + " < " +
                               dialect.time_literal(parts.time, range.time_end.value())
                         : parts.id + " IS NOT NULL";
  if (mode == Mode::kTimestampIncrementing) sql += " AND " + parts.id + " IS NOT NULL";
  sql += after(mode, parts, range.after, dialect);
  if (range.id_max) sql += " AND " + parts.id + " <= " + std::to_string(*range.id_max);
  sql += " ORDER BY ";
  if (uses_time(mode)) sql += parts.time.compared;
  if (mode == Mode::kTimestampIncrementing) sql += ", ";
  if (uses_id(mode)) sql += parts.id;
  return sql;
}

}  // namespace penstock::relational
