#include "connectors/postgres/source.h"

#include <gmock/gmock.h>

#include <functional>
#include <thread>

#include "connectors/postgres/connection.h"
#include "penstock/testing/contract.h"
#include "tests/unit/connectors/postgres_server.h"
#include "tests/unit/connectors/source_host.h"

namespace penstock::postgres {
namespace {

using penstock::testing::Driver;
using penstock::testing::PostgresServer;
using penstock::testing::Settings;
using penstock::testing::shown;
using penstock::testing::TestBlock;
using penstock::testing::TestConfig;
using penstock::testing::TestContext;
using penstock::testing::TestProblems;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class PostgresSourceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server_ = PostgresServer::shared();
    if (server_ == nullptr) GTEST_SKIP() << "no PostgreSQL 15 on this machine";
    writer_.emplace(Address(server_->url(), "", ""));
    run("DROP SCHEMA IF EXISTS other CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public");
  }
  void run(const std::string& sql) { writer_->execute(sql); }
  Settings settings(const std::string& mode, const Settings& more = {}) const {
    Settings out = {
        {"connection.url", server_->url()}, {"mode", mode}, {"poll.interval.ms", "100000"}};
    for (const auto& [key, value] : more) out[key] = value;
    return out;
  }
  Driver<Source> driver(const std::string& mode, const Settings& more = {}) {
    return Driver<Source>(kSourceKeys.items, settings(mode, more), context_);
  }
  static std::string why(const std::function<void()>& call) {
    try {
      call();
    } catch (const std::exception& e) {
      return e.what();
    }
    return "nothing was thrown";
  }

  PostgresServer* server_ = nullptr;
  std::optional<Connection> writer_;
  TestContext context_;
};

TEST_F(PostgresSourceTest, TypesKeepTheirValues) {
  run("CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE DOMAIN money2 AS numeric(10,2);"
      "CREATE TABLE t(b bool, i2 int2, i4 int4, i8 bigserial, f4 real, f8 float8, n numeric(8,3), "
      "d money2, u numeric,"
      " s text, v varchar(5), c char(3), j json, jb jsonb, id uuid PRIMARY KEY, e mood, y bytea, "
      "dt date, tm time,"
      " ts timestamp, tz timestamptz, inet inet, iv interval)");
  run("INSERT INTO t VALUES(true, -2, -4, 8, 1.5, -2.25, -1234.567, 12345678.90, 1e30, 'x', 'v', "
      "'c', '{\"a\": 1}', '{\"a\":1}',"
      " '00000000-0000-0000-0000-000000000001', 'happy', '\\x00ff', '2013-01-31', '05:00:01.5', "
      "'2013-01-01 00:00:00.123456',"
      " '2013-01-01 01:00:00+01', '10.0.0.1', '1 day')");
  auto source = driver("bulk");
  EXPECT_THAT(
      source.until_idle(),
      ElementsAre(
          "t {b=true,i2=-2,i4=-4,i8=8,f4=1.5,f8=-2.25,n=<ed2979>,d=<499602d2>,"
          "u='1000000000000000000000000000000',s='x',v='v',c='c  ',j='{\"a\": 1}',jb='{\"a\": 1}',"
          "id='00000000-0000-0000-0000-000000000001',e='happy',y=<00ff>,dt=15736,tm=18001500,"
          "ts=1356998400123,tz=1356998400000,inet='10.0.0.1/32',iv='P1D'}"));
  EXPECT_THAT(source.keys, ElementsAre("{id='00000000-0000-0000-0000-000000000001'}"));
  std::vector<std::string> schemas;
  for (const Field& field : source.last_schema->fields()) schemas.push_back(shown(field.schema));
  EXPECT_EQ(schemas[1], "int16?");
  EXPECT_EQ(schemas[3], "int64");
  EXPECT_EQ(schemas[4], "float32?");
  EXPECT_EQ(schemas[7], "bytes? org.apache.kafka.connect.data.Decimal scale 2");
  EXPECT_EQ(schemas[14], "string");
  EXPECT_EQ(schemas[20], "int64? org.apache.kafka.connect.data.Timestamp");
}

TEST_F(PostgresSourceTest, NumbersOfAnySizeAreExact) {
  run("CREATE TABLE t(n numeric(60,5)); INSERT INTO t "
      "VALUES(0),(0.00001),(-0.5),(10000),(12345678901234567890123456789012345678901234567890."
      "12345),"
      "(-12345678901234567890123456789012345678901234567890.12345),(-128),(NULL)");
  EXPECT_THAT(driver("bulk").until_idle(),
              ElementsAre("t {n=<00>}", "t {n=<01>}", "t {n=<ff3cb0>}", "t {n=<3b9aca00>}",
                          "t {n=<0ce3b5a1111c810783a4ecad7c23dc1702bc74f1e2df79>}",
                          "t {n=<f31c4a5eeee37ef87c5b135283dc23e8fd438b0e1d2087>}",
                          "t {n=<ff3cb000>}", "t {n=null}"));
}

TEST_F(PostgresSourceTest, ArraysAreReadAndManyDimensionsFailTheirRecord) {
  run("CREATE TABLE t(a int[], s text[], n numeric(4,1)[], i inet[]); INSERT INTO t "
      "VALUES('{1,NULL,3}', '{a,\"b c\"}', '{1.5}', '{10.0.0.1}'),"
      "('{}', NULL, NULL, NULL), ('{{1,2},{3,4}}', NULL, NULL, NULL)");
  auto source = driver("bulk");
  EXPECT_THAT(source.until_idle(),
              ElementsAre("t {a=[1,null,3],s=['a','b c'],n=[<0f>],i=['10.0.0.1/32']}",
                          "t {a=[],s=null,n=null,i=null}"));
  EXPECT_THAT(
      source.errors,
      ElementsAre(
          "table public.t, no key, column a: is an array of 2 dimensions; only one can be sent"));
  EXPECT_EQ(shown(source.last_schema->fields()[0].schema), "array of int32??");
}

TEST_F(PostgresSourceTest, NanAndInfinityThatCannotBeSentFailTheirRecord) {
  run("CREATE TABLE t(id int PRIMARY KEY, n numeric(4,1), d date, ts timestamp, f float8); INSERT "
      "INTO t VALUES"
      "(1,'NaN',NULL,NULL,NULL),(2,NULL,'infinity',NULL,NULL),(3,NULL,NULL,'-infinity',NULL),(4,"
      "NULL,NULL,NULL,'NaN')");
  auto source = driver("bulk");
  EXPECT_THAT(source.until_idle(), ElementsAre("t {id=4,n=null,d=null,ts=null,f=nan}"));
  EXPECT_THAT(source.errors, SizeIs(3));
  EXPECT_THAT(source.errors[0], HasSubstr("table public.t, key 1, column n: is NaN"));
}

TEST_F(PostgresSourceTest, IncrementingFindsSerialAndIdentityAndResumes) {
  run("CREATE TABLE a(id serial PRIMARY KEY, x text); INSERT INTO a(x) VALUES('p'),('q');"
      "CREATE TABLE b(n int GENERATED ALWAYS AS IDENTITY); INSERT INTO b DEFAULT VALUES");
  {
    auto source = driver("incrementing");
    EXPECT_THAT(source.until_idle(1), ElementsAre("a {id=1,x='p'}", "a {id=2,x='q'}", "b {n=1}"));
    EXPECT_THAT(source.source_offsets, ElementsAre("1", "2", "1"));
  }
  run("INSERT INTO a(x) VALUES('r')");
  EXPECT_THAT(driver("incrementing").until_idle(), ElementsAre("a {id=3,x='r'}"));
  EXPECT_EQ(context_.partitions[0], R"({"protocol":"1","table":"public.a"})");
}

TEST_F(PostgresSourceTest, ARowCommittedLateIsNotSkipped) {
  run("CREATE TABLE t(id serial, x text)");
  Connection slow(Address(server_->url(), "", ""));
  auto source = driver("incrementing", {{"poll.interval.ms", "0"}});
  slow.execute("BEGIN; INSERT INTO t(x) VALUES('slow')");
  run("INSERT INTO t(x) VALUES('quick')");
  std::vector<std::string> rows;
  for (int i = 0; i < 20; ++i) {
    TestBlock block;
    EXPECT_EQ(source.poll(block, rows), Polled::kMore)
        << "it is not caught up while somebody writes";
  }
  EXPECT_THAT(rows, IsEmpty());
  slow.execute("COMMIT");
  // The reader looks again soon, whatever poll.interval.ms says.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (rows.size() < 2 && std::chrono::steady_clock::now() < deadline) {
    TestBlock block;
    source.poll(block, rows);
  }
  EXPECT_THAT(rows, ElementsAre("t {id=1,x='slow'}", "t {id=2,x='quick'}"));
}

TEST_F(PostgresSourceTest, UnsafeIncrementingReadsAtOnce) {
  run("CREATE TABLE t(id serial, x text)");
  Connection slow(Address(server_->url(), "", ""));
  slow.execute("BEGIN; INSERT INTO t(x) VALUES('slow')");
  run("INSERT INTO t(x) VALUES('quick')");
  EXPECT_THAT(driver("incrementing", {{"incrementing.safe", "false"}}).until_idle(),
              ElementsAre("t {id=2,x='quick'}"));
}

TEST_F(PostgresSourceTest, TimestampGroupsStayTogether) {
  run("CREATE TABLE t(n int, ts timestamptz NOT NULL); INSERT INTO t VALUES(1,'2013-01-01 "
      "05:00:00Z'),"
      "(2,'2013-01-01 05:00:00.000001Z'),(3,'2013-01-01 05:00:00.000001Z'),(4,'2999-01-01')");
  auto source = driver("timestamp", {{"timestamp.column.name", "ts"}, {"batch.max.rows", "1"}});
  EXPECT_THAT(source.until_idle(1), SizeIs(3));
  EXPECT_THAT(source.source_offsets,
              ElementsAre("1357016400000 0", "1357016400000 0", "1357016400000 1000"));
  run("INSERT INTO t VALUES(5,'2013-01-01 05:00:00.000002Z')");
  EXPECT_THAT(driver("timestamp", {{"timestamp.column.name", "ts"}}).until_idle(),
              ElementsAre("t {n=5,ts=1357016400000}"));
}

TEST_F(PostgresSourceTest, TimestampIncrementingComparesColumnsWithoutAZoneInDbTimezone) {
  run("CREATE TABLE t(id int PRIMARY KEY, a timestamp, b timestamp NOT NULL); INSERT INTO t VALUES"
      "(1,NULL,'2013-07-01 02:00:00'),(2,'2013-07-01 02:00:00','2000-01-01')");
  const Settings more = {{"timestamp.column.name", "a,b"},
                         {"incrementing.column.name", "id"},
                         {"db.timezone", "Europe/Berlin"}};
  auto source = driver("timestamp+incrementing", more);
  EXPECT_THAT(source.until_idle(), ElementsAre("t {id=1,a=null,b=1372636800000}",
                                               "t {id=2,a=1372636800000,b=946681200000}"));
  EXPECT_THAT(source.source_offsets, ElementsAre("1 1372636800000 0", "2 1372636800000 0"));
  EXPECT_THAT(driver("timestamp+incrementing", more).until_idle(), IsEmpty());
  EXPECT_THAT(why([&] {
                driver("bulk", {{"db.timezone", "Nowhere"}});
              }),
              HasSubstr("db.timezone: the server does not know"));
}

TEST_F(PostgresSourceTest, QueryModeWorksInAllModes) {
  run("CREATE TABLE t(id int, x text); INSERT INTO t VALUES(1,'a'),(2,'b')");
  EXPECT_THAT(driver("bulk", {{"query", "SELECT x FROM t ORDER BY x DESC"}, {"topic.prefix", "q"}})
                  .until_idle(),
              ElementsAre("q {x='b'}", "q {x='a'}"));
  EXPECT_THAT(
      driver("incrementing",
             {{"query",
               "SELECT id, x::inet FROM (SELECT id, '10.0.0.' || id AS x FROM t) s WHERE id > 0;"},
              {"incrementing.column.name", "id"},
              {"topic.prefix", "q"}})
          .until_idle(),
      ElementsAre("q {id=1,x='10.0.0.1/32'}", "q {id=2,x='10.0.0.2/32'}"));
}

TEST_F(PostgresSourceTest, PartitionsAreReadOnceAndViewsWhenAsked) {
  run("CREATE TABLE p(id int) PARTITION BY RANGE(id); CREATE TABLE p1 PARTITION OF p FOR VALUES "
      "FROM (0) TO (10);"
      "INSERT INTO p VALUES(1); CREATE VIEW v AS SELECT id + 1 AS j FROM p");
  EXPECT_THAT(driver("bulk").until_idle(), ElementsAre("p {id=1}"));
  EXPECT_THAT(driver("bulk", {{"table.types", "VIEW"}}).until_idle(), ElementsAre("v {j=2}"));
}

TEST_F(PostgresSourceTest, TablesThatWouldShareATopicAreRefused) {
  run("CREATE TABLE t(x int); CREATE SCHEMA other; CREATE TABLE other.t(x int); INSERT INTO "
      "other.t VALUES(5)");
  EXPECT_THAT(why([&] { driver("bulk"); }),
              HasSubstr("other.t and public.t would share the topic t"));
  EXPECT_THAT(driver("bulk", {{"table.whitelist", "other.t"}}).until_idle(),
              ElementsAre("t {x=5}"));
}

TEST_F(PostgresSourceTest, ManyPortionsAreReadInFull) {
  run("CREATE TABLE t(id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 5000)");
  EXPECT_THAT(driver("bulk", {{"batch.max.rows", "7"}}).until_idle(), SizeIs(5000));
  EXPECT_THAT(driver("bulk", {{"batch.max.rows", "5000"}}).until_idle(), SizeIs(5000));
}

TEST_F(PostgresSourceTest, AKilledConnectionIsRetriedFromTheLastRow) {
  run("CREATE TABLE t(id serial); INSERT INTO t SELECT generate_series(1, 50)");
  auto source = driver("incrementing", {{"batch.max.rows", "10"}});
  std::vector<std::string> rows;
  TestBlock block;
  source.poll(block, rows);
  run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
      "backend_type = 'client backend'");
  for (int calls = 0; calls < 100; ++calls) {
    TestBlock next;
    try {
      if (source.poll(next, rows) == Polled::kIdle) break;
    } catch (const RetriableError&) {
      continue;  // the host calls again, too
    }
  }
  ASSERT_THAT(rows, SizeIs(50));
  EXPECT_EQ(rows.back(), "t {id=50}");
}

TEST_F(PostgresSourceTest, ASlowStatementDoesNotHoldUpPollAndStopEndsIt) {
  run("CREATE TABLE t(id int)");
  auto source =
      driver("bulk", {{"query", "SELECT pg_sleep(60)::text AS x"}, {"topic.prefix", "q"}});
  const auto started = std::chrono::steady_clock::now();
  TestBlock block;
  EXPECT_EQ(source.task().poll(block), Polled::kMore);
  std::thread stopper([&] { source.task().stop(); });
  EXPECT_EQ(source.task().poll(block), Polled::kMore);
  stopper.join();
  EXPECT_EQ(block.size(), 0U);
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(5));
}

TEST_F(PostgresSourceTest, ValidationNamesTheSettingAndNoPassword) {
  SourceConnector connector;
  TestProblems problems;
  connector.validate(
      TestConfig(kSourceKeys.items,
                 settings("bulk", {{"connection.url", "host=/nowhere password=secret1"}})),
      problems);
  connector.validate(TestConfig(kSourceKeys.items, settings("bulk", {{"query", "DELETE FROM x"},
                                                                     {"topic.prefix", "q"}})),
                     problems);
  ASSERT_THAT(problems.all, SizeIs(2));
  EXPECT_THAT(problems.all[0], HasSubstr("connection.url: PostgreSQL database"));
  EXPECT_THAT(problems.all[0], ::testing::Not(HasSubstr("secret1")));
}

TEST_F(PostgresSourceTest, KeepsTheContractOfSources) {
  run("CREATE TABLE t(id serial PRIMARY KEY, x text); INSERT INTO t(x) VALUES('a'),('b'),('c')");
  EXPECT_THAT(penstock::testing::definition_contract(kSource), IsEmpty());
  EXPECT_THAT(penstock::testing::source_contract(kSource, settings("incrementing")), IsEmpty());
}

}  // namespace
}  // namespace penstock::postgres
