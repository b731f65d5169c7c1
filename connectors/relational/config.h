#pragma once
// The settings that all polling sources have, with the names and defaults of Kafka Connect's JDBC
// source.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/relational/numeric.h"
#include "connectors/relational/polling.h"
#include "connectors/relational/temporal.h"
#include "penstock/config.h"

namespace penstock::relational {

template <std::size_t N>
struct Keys {
  ConfigKey items[N];
};

/// The keys of a source: its own first, then those of all polling sources.
template <std::size_t N, std::size_t M>
constexpr Keys<N + M> joined(const ConfigKey (&first)[N], const ConfigKey (&second)[M]) {
  Keys<N + M> out{};
  for (std::size_t i = 0; i < N; ++i) out.items[i] = first[i];
  for (std::size_t i = 0; i < M; ++i) out.items[N + i] = second[i];
  return out;
}

inline constexpr ConfigKey kPollingKeys[] = {
    {.kind = ConfigKey::kString,
     .name = "mode",
     .fallback = nullptr,
     .doc = "How new rows are found. bulk: the whole table at each poll, no offsets. incrementing: "
            "rows with a larger value of a "
            "growing integer column. timestamp: rows with a later timestamp. "
            "timestamp+incrementing: both, so that "
            "updates are found and equal timestamps are told apart. No mode sees deleted rows.",
     .one_of = "bulk|incrementing|timestamp|timestamp+incrementing",
     .importance = ConfigKey::kHigh,
     .group = "Mode"},
    {.kind = ConfigKey::kString,
     .name = "incrementing.column.name",
     .fallback = "",
     .doc = "The growing integer column of the incrementing modes. Empty: the table's own "
            "automatic key.",
     .group = "Mode"},
    {.kind = ConfigKey::kList,
     .name = "timestamp.column.name",
     .fallback = "",
     .doc = "Columns of the timestamp modes; the first that is not null counts.",
     .group = "Mode"},
    {.kind = ConfigKey::kString,
     .name = "timestamp.initial",
     .fallback = "",
     .doc = "Where the timestamp modes begin when no offset is stored: milliseconds since "
            "1970-01-01 UTC (rows later than "
            "that), -1 for now, empty for everything.",
     .pattern = "(-1|[0-9]{1,15})?",
     .group = "Mode"},
    {.kind = ConfigKey::kDuration,
     .name = "timestamp.delay.interval.ms",
     .fallback = "0",
     .doc = "Rows are read once their timestamp is this old by the database's clock. Choose it "
            "longer than the longest "
            "transaction that writes timestamps: a row that is committed later than that is not "
            "found.",
     .min = 0,
     .max = 86400000,
     .group = "Mode"},
    {.kind = ConfigKey::kBool,
     .name = "validate.non.null",
     .fallback = "true",
     .doc = "Refuse incrementing columns that may be null, and timestamp columns that all may be "
            "null: rows with null there "
            "are never read.",
     .group = "Mode"},
    {.kind = ConfigKey::kString,
     .name = "query",
     .fallback = "",
     .doc = "A SELECT to read instead of tables. In the incrementing and timestamp modes it "
            "becomes a subquery, so it may have "
            "a WHERE of its own. Runs in one task; the topic is topic.prefix.",
     .group = "Tables"},
    {.kind = ConfigKey::kList,
     .name = "table.whitelist",
     .fallback = "",
     .doc = "Tables to read, as name or schema.name. Empty: all.",
     .importance = ConfigKey::kHigh,
     .group = "Tables"},
    {.kind = ConfigKey::kList,
     .name = "table.blacklist",
     .fallback = "",
     .doc = "Tables to leave out, as name or schema.name. Not with table.whitelist.",
     .group = "Tables"},
    {.kind = ConfigKey::kList,
     .name = "table.include.list",
     .fallback = "",
     .doc = "Regular expressions; a table is read when one matches its whole qualified name.",
     .group = "Tables"},
    {.kind = ConfigKey::kList,
     .name = "table.exclude.list",
     .fallback = "",
     .doc = "Regular expressions of qualified names to leave out of table.include.list.",
     .group = "Tables"},
    {.kind = ConfigKey::kList,
     .name = "table.types",
     .fallback = "TABLE",
     .doc = "What counts as a table.",
     .one_of = "TABLE|VIEW",
     .group = "Tables"},
    {.kind = ConfigKey::kDuration,
     .name = "table.poll.interval.ms",
     .fallback = "60000",
     .doc = "How often to look for tables that came or went; a change splits the tables over the "
            "tasks anew.",
     .min = 0,
     .max = 86400000,
     .group = "Tables"},
    {.kind = ConfigKey::kString,
     .name = "topic.prefix",
     .fallback = "",
     .doc = "The topic of a table is this and the table's name without its schema; with query, "
            "this alone.",
     .pattern = "[A-Za-z0-9._-]{0,249}",
     .importance = ConfigKey::kHigh,
     .group = "Records"},
    {.kind = ConfigKey::kBool,
     .name = "key.from.primary.key",
     .fallback = "true",
     .doc = "The record's key is a struct of the primary key's columns. false, or a table without "
            "one: no key.",
     .group = "Records"},
    {.kind = ConfigKey::kString,
     .name = "numeric.mapping",
     .fallback = "none",
     .doc = "What a number with precision and scale becomes. none: Decimal. precision_only: an "
            "integer type when the scale is 0 "
            "and 18 digits are enough. best_fit: that, and float64 for scales above 0.",
     .one_of = "none|precision_only|best_fit",
     .group = "Records"},
    {.kind = ConfigKey::kString,
     .name = "timestamp.granularity",
     .fallback = "connect_logical",
     .doc = "What a timestamp becomes: Connect's Timestamp (milliseconds), an int64 of "
            "microseconds or nanoseconds since "
            "1970-01-01 UTC, or a text.",
     .one_of = "connect_logical|micros_long|nanos_long|micros_iso_datetime_string",
     .group = "Records"},
    {.kind = ConfigKey::kDuration,
     .name = "poll.interval.ms",
     .fallback = "5000",
     .doc = "How long to wait before a table that was read to its end is asked again.",
     .min = 0,
     .max = 86400000,
     .group = "Polling"},
    {.kind = ConfigKey::kInt,
     .name = "batch.max.rows",
     .fallback = "1000",
     .doc = "Most rows handed over at a time, and fetched at a time where the database fetches in "
            "portions.",
     .min = 1,
     .max = 1000000,
     .group = "Polling"},
    {.kind = ConfigKey::kString,
     .name = "task.tables",
     .fallback = "",
     .doc = "Set by the connector for its tasks: all tables, percent-encoded. Leave it empty.",
     .importance = ConfigKey::kLow,
     .group = "Internal"},
    {.kind = ConfigKey::kInt,
     .name = "task.count",
     .fallback = "1",
     .doc = "Set by the connector for its tasks: how many there are.",
     .min = 1,
     .max = 100000,
     .importance = ConfigKey::kLow,
     .group = "Internal"},
};

/// kPollingKeys, read. The views of `config` are copied.
struct PollingConfig {
  /// Throws std::invalid_argument that names the setting.
  explicit PollingConfig(const Config& config);

  Mode mode = Mode::kBulk;
  std::string incrementing_column;
  std::vector<std::string> timestamp_columns;
  std::string timestamp_initial;
  std::int64_t delay_ms = 0;
  bool validate_non_null = true;
  std::string query;
  TableFilter filter;
  std::int64_t table_poll_ms = 0;
  std::string topic_prefix;
  bool key_from_primary_key = true;
  std::int64_t poll_ms = 0;
  std::size_t rows_max = 0;
  std::string task_tables;
  std::size_t task_count = 1;
};

/// How records are made; the dialects read it themselves.
struct RecordConfig {
  explicit RecordConfig(const Config& config);
  bool tables = true, views = false;  // table.types
  NumericMapping numeric = NumericMapping::kNone;
  Granularity granularity = Granularity::kConnect;
};

/// A list of tables as one setting; an empty list differs from "".
std::string encode_tables(std::span<const TableId> tables);
std::vector<TableId> decode_tables(std::string_view text);

}  // namespace penstock::relational
