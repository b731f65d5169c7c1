#pragma once
// PostgresSource: polls tables of a PostgreSQL database.

#include "connectors/relational/source.h"
#include "penstock/descriptor.h"
#include "penstock/plugin.h"

namespace penstock::postgres {

class Source final : public relational::PollingSource {
 protected:
  std::unique_ptr<relational::Database> connect(const Config& config) override;
};

class SourceConnector final : public relational::PollingConnector {
 protected:
  std::unique_ptr<relational::Database> connect(const Config& config) override;
};

inline constexpr ConfigKey kPostgresSourceKeys[] = {
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
    {.kind = ConfigKey::kString,
     .name = "db.timezone",
     .fallback = "UTC",
     .doc =
         "The time zone that timestamps without a zone are in, by any name that the server knows.",
     .pattern = "[A-Za-z0-9_+:/-]+",
     .group = "Records"},
    {.kind = ConfigKey::kBool,
     .name = "incrementing.safe",
     .fallback = "true",
     .doc = "Mode incrementing, tables only: read up to a value only once every transaction that "
            "wrote to the table when that "
            "value was seen has ended, so that a smaller value committed late is not skipped. "
            "Exact when the inserting "
            "statement itself takes the value from a sequence without CACHE. A long transaction "
            "holds up its tables. false: as "
            "the JDBC source, which skips such rows. Not possible on a standby server.",
     .group = "Mode"},
};
inline constexpr auto kSourceKeys =
    relational::joined(kPostgresSourceKeys, relational::kPollingKeys);

inline constexpr ConnectorDescriptor kSource = with_connector<SourceConnector>(source<Source>(
    "PostgresSource", "", "Reads the rows of PostgreSQL tables into topics.", kSourceKeys.items));

}  // namespace penstock::postgres
