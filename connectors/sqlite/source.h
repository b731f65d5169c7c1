#pragma once
// SqliteSource: polls tables of a SQLite database.

#include "connectors/relational/source.h"
#include "penstock/descriptor.h"
#include "penstock/plugin.h"

namespace penstock::sqlite {

class Source final : public relational::PollingSource {
 protected:
  std::unique_ptr<relational::Database> connect(const Config& config) override;
};

class SourceConnector final : public relational::PollingConnector {
 protected:
  std::unique_ptr<relational::Database> connect(const Config& config) override;
};

inline constexpr ConfigKey kSqliteSourceKeys[] = {
    {.kind = ConfigKey::kString,
     .name = "connection.url",
     .fallback = nullptr,
     .doc = "Path of the database file; jdbc:sqlite:PATH is taken too. The file must exist. No "
            "statement may change it.",
     .importance = ConfigKey::kHigh,
     .group = "Connection"},
    {.kind = ConfigKey::kDuration,
     .name = "sqlite.busy.timeout.ms",
     .fallback = "2000",
     .doc = "How long to wait for a lock of another process before the call counts as failed and "
            "is retried.",
     .min = 0,
     .max = 5000,
     .group = "Connection"},
    {.kind = ConfigKey::kString,
     .name = "sqlite.mixed.types",
     .fallback = "fail",
     .doc = "A value whose storage class is not that of its column's declared type. fail: its "
            "record fails. any: every column "
            "of which SQLite does not enforce the type (all but an INTEGER PRIMARY KEY and columns "
            "of STRICT tables) carries "
            "penstock.sqlite.Any, a struct of type and value.",
     .one_of = "fail|any",
     .group = "Records"},
};
inline constexpr auto kSourceKeys = relational::joined(kSqliteSourceKeys, relational::kPollingKeys);

inline constexpr ConnectorDescriptor kSource = with_connector<SourceConnector>(source<Source>(
    "SqliteSource", "", "Reads the rows of SQLite tables into topics.", kSourceKeys.items));

}  // namespace penstock::sqlite
