#pragma once
// SqliteSink: writes records to tables of a SQLite database.

#include "connectors/relational/sink_connector.h"
#include "connectors/relational/sink_settings.h"
#include "connectors/relational/sink_task.h"
#include "penstock/descriptor.h"

namespace penstock::sqlite {

class Sink final : public relational::RelationalSink {
 protected:
  std::unique_ptr<relational::SinkDatabase> make_database(const Config& config,
                                                          const relational::SinkSettings& settings,
                                                          SinkContext& context) override;
};

/// Throws when the database cannot be opened, or created.
void test_sink_connection(const Config& config);

/// SQLite has one writer at a time: more tasks would only wait for each other.
using SqliteSinkConnector = relational::SinkConnector<&test_sink_connection, 1>;

inline constexpr ConfigKey kSqliteSinkKeys[] = {
    {.kind = ConfigKey::kString,
     .name = "connection.url",
     .fallback = nullptr,
     .doc = "Path of the database file; jdbc:sqlite:PATH is taken too. The file is created when it "
            "is missing, its directory is not. "
            "It is switched to SQLite's write-ahead log.",
     .importance = ConfigKey::kHigh,
     .group = "Connection"},
    {.kind = ConfigKey::kDuration,
     .name = "sqlite.busy.timeout.ms",
     .fallback = "5000",
     .doc = "How long to wait for a lock of another program before the write counts as failed and "
            "is retried.",
     .min = 0,
     .max = 8000,
     .group = "Connection"},
    {.kind = ConfigKey::kString,
     .name = "sqlite.synchronous",
     .fallback = "FULL",
     .doc = "FULL: what was flushed, and so what the worker has committed, survives a power cut. "
            "NORMAL: after a power cut the "
            "newest transactions may be gone; the file stays consistent, and with exactly.once the "
            "rows come again.",
     .one_of = "FULL|NORMAL",
     .importance = ConfigKey::kLow,
     .group = "Writes"},
};
inline constexpr auto kSinkKeys = relational::with_sink_keys(kSqliteSinkKeys);

inline constexpr ConnectorDescriptor kSink = with_connector<SqliteSinkConnector>(
    sink<Sink>("SqliteSink", "",
               "Writes records to tables of a SQLite database: insert, upsert, update and delete.",
               kSinkKeys.keys));

}  // namespace penstock::sqlite
