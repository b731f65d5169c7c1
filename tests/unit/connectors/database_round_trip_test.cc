// Rows through a real source and a real sink, without a broker between them: types and values come
// out as they went in.
#include <gmock/gmock.h>

#include <filesystem>
#include <optional>

#include "connectors/postgres/connection.h"
#include "connectors/postgres/sink.h"
#include "connectors/postgres/source.h"
#include "connectors/sqlite/connection.h"
#include "connectors/sqlite/sink.h"
#include "connectors/sqlite/source.h"
#include "penstock/testing/harness.h"
#include "tests/unit/connectors/postgres_server.h"

namespace penstock {
namespace {

using penstock::testing::PostgresServer;
using penstock::testing::Settings;
using penstock::testing::SinkHarness;
using penstock::testing::SourceHarness;
using ::testing::ElementsAre;

class DatabaseRoundTrip : public ::testing::Test {
 protected:
  DatabaseRoundTrip() {
    char pattern[] = "/tmp/penstock-trip-XXXXXX";
    directory_ = ::mkdtemp(pattern);
  }
  ~DatabaseRoundTrip() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::string file(const char* name) const { return directory_ + "/" + name; }
  static void sqlite(const std::string& path, const std::string& sql) {
    sqlite::Connection(path, sqlite::Access::kCreate, 1000).execute(sql);
  }
  static std::vector<std::string> sqlite_rows(const std::string& path, const std::string& sql) {
    sqlite::Connection connection(path, sqlite::Access::kRead, 1000);
    sqlite::Statement statement = connection.prepare(sql);
    std::vector<std::string> out;
    while (statement.step()) {
      std::string line;
      for (int i = 0; i < statement.columns(); ++i)
        line += (i == 0 ? "" : "|") + std::string(statement.text(i));
      out.push_back(line);
    }
    return out;
  }
  static void carry(const ConnectorDescriptor& from, const std::string& source_url,
                    const ConnectorDescriptor& to, const std::string& sink_url) {
    SourceHarness source(from, {{"connection.url", source_url},
                                {"mode", "bulk"},
                                {"table.whitelist", "t"},
                                {"poll.interval.ms", "100000"}});
    SinkHarness sink(to, {{"connection.url", sink_url},
                          {"auto.create", "true"},
                          {"insert.mode", "upsert"},
                          {"pk.mode", "record_key"}});
    source.start();
    sink.start();
    sink.open("t");
    for (int polls = 0; polls < 100; ++polls) {
      const Polled polled = source.poll();
      for (const Record& record : source.records()) {
        Record& copy = sink.add("t");
        copy.key_schema = record.key_schema;
        copy.key = record.key;
        copy.value_schema = record.value_schema;
        copy.value = record.value;
      }
      sink.put();
      if (polled != Polled::kMore) break;
    }
    sink.flush();
  }

  std::string directory_;
};

constexpr const char* kSqliteTable =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, i BIGINT, r REAL, s TEXT, b BLOB, f BOOLEAN, d DATE, "
    "ti TIME, ts TIMESTAMP);"
    "INSERT INTO t VALUES (1, -9223372036854775808, 0.1, 'Grüße', x'00ff', 1, '2013-01-31', "
    "'05:00:00', '2013-01-31 05:00:00.123');"
    "INSERT INTO t VALUES (2, 9223372036854775807, -1e300, '', x'', 0, '0001-01-01', "
    "'23:59:59.999', '1969-12-31 23:59:59.999');"
    "INSERT INTO t(id) VALUES (3);";
constexpr const char* kSqliteDump =
    "SELECT id, quote(i), quote(r), quote(s), quote(b), quote(f), quote(d), quote(ti), quote(ts) "
    "FROM t ORDER BY id";

TEST_F(DatabaseRoundTrip, SqliteToSqlite) {
  sqlite(file("a.db"), kSqliteTable);
  carry(sqlite::kSource, file("a.db"), sqlite::kSink, file("b.db"));
  EXPECT_EQ(sqlite_rows(file("b.db"), kSqliteDump), sqlite_rows(file("a.db"), kSqliteDump));
}

TEST_F(DatabaseRoundTrip, SqliteColumnsWithoutATypeKeepEveryStorageClass) {
  sqlite(file("a.db"),
         "CREATE TABLE t(id INTEGER PRIMARY KEY, x); INSERT INTO t(x) VALUES (5), (5.0), ('5'), "
         "(x'35'), (NULL), (1e300);");
  carry(sqlite::kSource, file("a.db"), sqlite::kSink, file("b.db"));
  const std::string dump = "SELECT id, typeof(x), quote(x) FROM t ORDER BY id";
  EXPECT_EQ(sqlite_rows(file("b.db"), dump), sqlite_rows(file("a.db"), dump));
}

TEST_F(DatabaseRoundTrip, SqliteToPostgresAndBack) {
  PostgresServer* server = PostgresServer::shared();
  if (server == nullptr) GTEST_SKIP() << "no PostgreSQL 15 on this machine";
  sqlite(file("a.db"), kSqliteTable);
  carry(sqlite::kSource, file("a.db"), postgres::kSink, server->url());
  carry(postgres::kSource, server->url(), sqlite::kSink, file("b.db"));
  EXPECT_EQ(sqlite_rows(file("b.db"), kSqliteDump), sqlite_rows(file("a.db"), kSqliteDump));
}

TEST_F(DatabaseRoundTrip, PostgresNumbersStayExactInSqlite) {
  PostgresServer* server = PostgresServer::shared();
  if (server == nullptr) GTEST_SKIP() << "no PostgreSQL 15 on this machine";
  postgres::Connection(postgres::Address(server->url(), "", ""))
      .execute(
          "DROP TABLE IF EXISTS t; CREATE TABLE t(id int PRIMARY KEY, small numeric(10,2), large "
          "numeric(30,4), u uuid, j jsonb, "
          "tz timestamptz); INSERT INTO t VALUES (1, -12.34, 12345678901234567890123456.7891, "
          "'00112233-4455-6677-8899-aabbccddeeff', '{\"a\": 1}', '2013-01-31 05:00+00')");
  carry(postgres::kSource, server->url(), sqlite::kSink, file("b.db"));
  EXPECT_THAT(sqlite_rows(file("b.db"), "SELECT small, large, u, j, tz FROM t"),
              ElementsAre("-12.34|12345678901234567890123456.7891|00112233-4455-6677-8899-"
                          "aabbccddeeff|{\"a\": 1}|2013-01-31 05:00:00"));
}

}  // namespace
}  // namespace penstock
