#pragma once
// The settings that every database sink has, under the JDBC sink's names.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "penstock/config.h"

namespace penstock::relational {

inline constexpr ConfigKey kSinkKeys[] = {
    {.kind = ConfigKey::kString,
     .name = "insert.mode",
     .fallback = "insert",
     .doc = "What a record does to its table. insert: adds a row. upsert: adds the row, or changes "
            "the columns that the record "
            "has in the row with the same key (INSERT .. ON CONFLICT DO UPDATE); needs pk.mode "
            "record_key, record_value or kafka and a "
            "primary key or unique constraint on those columns. update: changes the row with the "
            "same key; a record without such a "
            "row does nothing.",
     .one_of = "insert|upsert|update",
     .importance = ConfigKey::kHigh,
     .group = "Writes"},
    {.kind = ConfigKey::kInt,
     .name = "batch.size",
     .fallback = "3000",
     .doc =
         "The most records in one transaction. A larger hand-over is cut into several, in order.",
     .min = 1,
     .max = 1000000,
     .importance = ConfigKey::kMedium,
     .group = "Writes"},
    {.kind = ConfigKey::kBool,
     .name = "delete.enabled",
     .fallback = "false",
     .doc = "Whether a record without a value (a tombstone) deletes the row with its key; needs "
            "pk.mode=record_key. When off, a "
            "tombstone is a bad record.",
     .importance = ConfigKey::kMedium,
     .group = "Writes"},
    {.kind = ConfigKey::kBool,
     .name = "exactly.once",
     .fallback = "true",
     .doc = "Whether the offsets that are stored are kept in the target database, in the table "
            "__penstock_offsets, in the same "
            "transaction as the rows. Each row is then stored exactly once, whatever crashes; a "
            "task that was replaced "
            "can store nothing any more. The offsets there win over the consumer group's; delete "
            "the connector's rows to start "
            "again. They count for one cluster (its cluster id), so that a new cluster is read "
            "from its beginning. A topic that is "
            "deleted and made again is told by its topic id: upserts and updates read it from its "
            "start, mode insert fails and says which row of the table to delete first. "
            "Connectors that share a database need different names. When off, delivery is at least "
            "once.",
     .importance = ConfigKey::kMedium,
     .group = "Writes"},
    {.kind = ConfigKey::kString,
     .name = "table.name.format",
     .fallback = "${topic}",
     .doc = "Name of the table; ${topic} stands for the topic. schema.table names a table in a "
            "schema where the database has "
            "schemas; a dot inside the topic's name is part of the table's name.",
     .pattern = ".+",
     .importance = ConfigKey::kMedium,
     .group = "Data mapping"},
    {.kind = ConfigKey::kString,
     .name = "pk.mode",
     .fallback = "none",
     .doc = "Where the primary key comes from. none: no key. kafka: topic, partition and offset of "
            "the record. record_key: the "
            "record's key, a single value or a struct. record_value: fields of the record's value.",
     .one_of = "none|kafka|record_key|record_value",
     .importance = ConfigKey::kHigh,
     .group = "Data mapping"},
    {.kind = ConfigKey::kList,
     .name = "pk.fields",
     .fallback = "",
     .doc = "Key columns. kafka: three names (empty: "
            "__connect_topic,__connect_partition,__connect_offset). record_key: the "
            "one name for a single value; for a struct the fields to use (empty: all). "
            "record_value: the fields to use (empty: all).",
     .importance = ConfigKey::kMedium,
     .group = "Data mapping"},
    {.kind = ConfigKey::kList,
     .name = "fields.whitelist",
     .fallback = "",
     .doc = "The fields of the value to store; empty: all. Key columns are always stored.",
     .importance = ConfigKey::kMedium,
     .group = "Data mapping"},
    {.kind = ConfigKey::kBool,
     .name = "auto.create",
     .fallback = "false",
     .doc = "Whether a missing table is created from the record's schema. Records without a schema "
            "need an existing table.",
     .importance = ConfigKey::kMedium,
     .group = "Tables"},
    {.kind = ConfigKey::kBool,
     .name = "auto.evolve",
     .fallback = "false",
     .doc = "Whether a missing column is added to the table, when its field is optional or has a "
            "default. Columns are never "
            "removed or changed.",
     .importance = ConfigKey::kMedium,
     .group = "Tables"},
    {.kind = ConfigKey::kInt,
     .name = "connection.attempts",
     .fallback = "3",
     .doc = "How often connecting is tried when a task starts.",
     .min = 1,
     .max = 100,
     .importance = ConfigKey::kLow,
     .group = "Connection"},
    {.kind = ConfigKey::kDuration,
     .name = "connection.backoff.ms",
     .fallback = "10000",
     .doc = "Wait between two attempts to connect.",
     .min = 0,
     .max = 3600000,
     .importance = ConfigKey::kLow,
     .group = "Connection"},
};

/// Keys of a database, then those of every sink.
template <std::size_t N>
struct SinkKeyList {
  ConfigKey keys[N + std::size(kSinkKeys)];
};
template <std::size_t N>
constexpr SinkKeyList<N> with_sink_keys(const ConfigKey (&own)[N]) {
  SinkKeyList<N> out{};
  for (std::size_t i = 0; i < N; ++i) out.keys[i] = own[i];
  for (std::size_t i = 0; i < std::size(kSinkKeys); ++i) out.keys[N + i] = kSinkKeys[i];
  return out;
}

enum class InsertMode : std::uint8_t { kInsert, kUpsert, kUpdate };
enum class KeyMode : std::uint8_t { kNone, kKafka, kRecordKey, kRecordValue };

struct SinkSettings {
  InsertMode mode = InsertMode::kInsert;
  KeyMode key_mode = KeyMode::kNone;
  std::vector<std::string> key_fields;
  std::vector<std::string> whitelist;
  std::string table_format;
  bool deletes = false;
  bool create = false;
  bool evolve = false;
  bool exactly_once = true;
  std::size_t batch = 0;
  int attempts = 1;
  std::int64_t backoff_ms = 0;
};

/// What single keys cannot say: all problems at once.
void check_sink_settings(const Config& config, Problems& problems);
/// Throws std::invalid_argument with the first problem.
SinkSettings read_sink_settings(const Config& config);

}  // namespace penstock::relational
