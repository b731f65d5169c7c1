#pragma once
// PostgresSink: writes records to tables of a PostgreSQL database.

#include "connectors/relational/sink_connector.h"
#include "connectors/relational/sink_settings.h"
#include "connectors/relational/sink_task.h"
#include "penstock/descriptor.h"

namespace penstock::postgres {

class Sink final : public relational::RelationalSink {
 protected:
  std::unique_ptr<relational::SinkDatabase> make_database(const Config& config,
                                                          const relational::SinkSettings& settings,
                                                          SinkContext& context) override;
};

/// Throws when the database cannot be reached.
void test_sink_connection(const Config& config);

inline constexpr int kSinkTasksMax = 1000;
using PostgresSinkConnector = relational::SinkConnector<&test_sink_connection, kSinkTasksMax>;

inline constexpr ConfigKey kPostgresSinkKeys[] = {
    {.kind = ConfigKey::kString,
     .name = "connection.url",
     .fallback = nullptr,
     .doc = "The database: postgresql://host:port/database?parameters, libpq's key=value pairs, or "
            "jdbc:postgresql://host:port/database. Parameters are libpq's (sslmode, "
            "connect_timeout, ...).",
     .importance = ConfigKey::kHigh,
     .group = "Connection"},
    {.kind = ConfigKey::kString,
     .name = "connection.user",
     .fallback = "",
     .doc = "User name; wins over the one in connection.url.",
     .importance = ConfigKey::kHigh,
     .group = "Connection"},
    {.kind = ConfigKey::kPassword,
     .name = "connection.password",
     .fallback = "",
     .doc = "Password; wins over the one in connection.url.",
     .importance = ConfigKey::kHigh,
     .group = "Connection"},
};
inline constexpr auto kSinkKeys = relational::with_sink_keys(kPostgresSinkKeys);

inline constexpr ConnectorDescriptor kSink = with_connector<PostgresSinkConnector>(sink<Sink>(
    "PostgresSink",
    "io.confluent.connect.jdbc.JdbcSinkConnector|io.aiven.connect.jdbc.JdbcSinkConnector",
    "Writes records to tables of a PostgreSQL database: insert, upsert, update and delete.",
    kSinkKeys.keys));

}  // namespace penstock::postgres
