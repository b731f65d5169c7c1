#include "connectors/sqlite/source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <thread>

#include "connectors/sqlite/connection.h"
#include "penstock/testing/contract.h"
#include "tests/unit/connectors/source_host.h"
#include "tests/unit/connectors/sqlite_source_fixture.h"

namespace penstock::sqlite {
namespace {

using penstock::testing::Driver;
using penstock::testing::Settings;
using penstock::testing::shown;
using penstock::testing::TestBlock;
using penstock::testing::TestConfig;
using penstock::testing::TestContext;
using penstock::testing::TestProblems;
using penstock::testing::TestTasks;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(SqliteSourceTest, BulkReadsEveryTableOnceAndIsThenIdle) {
  run("CREATE TABLE b(x INTEGER); CREATE TABLE a(y TEXT); INSERT INTO a VALUES('p'); INSERT INTO b "
      "VALUES(1),(2)");
  auto source = driver("bulk", {{"poll.interval.ms", "100000"}, {"topic.prefix", "db."}});
  EXPECT_THAT(source.until_idle(), ElementsAre("db.a {y='p'}", "db.b {x=1}", "db.b {x=2}"));
  EXPECT_THAT(source.source_offsets, ElementsAre("none", "none", "none"));
  EXPECT_THAT(source.until_idle(), IsEmpty());
}

TEST_F(SqliteSourceTest, BulkReadsAgainAfterTheInterval) {
  run("CREATE TABLE a(x INTEGER); INSERT INTO a VALUES(1)");
  auto source = driver("bulk");
  std::vector<std::string> out;
  TestBlock first, second;
  source.poll(first, out);
  source.poll(second, out);
  EXPECT_THAT(out, ElementsAre("a {x=1}", "a {x=1}"));
}

TEST_F(SqliteSourceTest, IncrementingFindsTheAutomaticKeyAndResumes) {
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT); INSERT INTO t "
      "VALUES(-5,'m'),(7,'a'),(9,'b')");
  {
    auto source = driver("incrementing", {{"poll.interval.ms", "100000"}});
    EXPECT_THAT(source.until_idle(),
                ElementsAre("t {id=-5,x='m'}", "t {id=7,x='a'}", "t {id=9,x='b'}"));
    EXPECT_THAT(source.source_offsets, ElementsAre("-5", "7", "9"));
    EXPECT_THAT(source.keys, ElementsAre("{id=-5}", "{id=7}", "{id=9}"));
    EXPECT_EQ(source.last_key_schema->name(), "t.Key");
    EXPECT_EQ(source.last_schema->name(), "t");
  }
  run("INSERT INTO t VALUES(10,'c')");
  EXPECT_THAT(driver("incrementing", {{"poll.interval.ms", "100000"}}).until_idle(),
              ElementsAre("t {id=10,x='c'}"));
  EXPECT_THAT(context_.partitions, ElementsAre(R"({"protocol":"1","table":"t"})"));
}

TEST_F(SqliteSourceTest, IncrementingTakesOverAnOlderOffset) {
  run("CREATE TABLE t(id INTEGER PRIMARY KEY); INSERT INTO t VALUES(1),(2)");
  context_.offsets[R"({"table":"t"})"] = {Value::integer(1)};
  EXPECT_THAT(driver("incrementing", {{"poll.interval.ms", "100000"}}).until_idle(),
              ElementsAre("t {id=2}"));
}

TEST_F(SqliteSourceTest, IncrementingSeesRowsThatComeWhileItRuns) {
  run("CREATE TABLE t(id INTEGER PRIMARY KEY); INSERT INTO t VALUES(1)");
  auto source = driver("incrementing");
  std::vector<std::string> out;
  TestBlock first, second, third;
  source.poll(first, out);
  run("INSERT INTO t VALUES(2)");
  source.poll(second, out);
  source.poll(third, out);
  EXPECT_THAT(out, ElementsAre("t {id=1}", "t {id=2}"));
}

TEST_F(SqliteSourceTest, IncrementingUsesTheRowNumberWhenNamed) {
  run("CREATE TABLE t(x TEXT); INSERT INTO t VALUES('a'),('b')");
  auto source = driver("incrementing",
                       {{"poll.interval.ms", "100000"}, {"incrementing.column.name", "rowid"}});
  EXPECT_THAT(source.until_idle(), ElementsAre("t {x='a'}", "t {x='b'}"));
  EXPECT_THAT(source.source_offsets, ElementsAre("1", "2"));
}

TEST_F(SqliteSourceTest, IncrementingRefusesTablesWithoutAKeyAndNullableColumns) {
  run("CREATE TABLE t(x INTEGER); INSERT INTO t VALUES(1)");
  EXPECT_EQ(why([&] { driver("incrementing").until_idle(); }),
            "incrementing.column.name: table t has no automatic key, name a column");
  EXPECT_THAT(why([&] {
                driver("incrementing", {{"incrementing.column.name", "x"}}).until_idle();
              }),
              HasSubstr("column x of table t may be null"));
  EXPECT_THAT(why([&] {
                driver("incrementing", {{"incrementing.column.name", "nope"}}).until_idle();
              }),
              HasSubstr("table t has no column nope"));
}

TEST_F(SqliteSourceTest, TimestampOffsetMovesOnlyPastTheLastRowOfATime) {
  run("CREATE TABLE t(n INTEGER, ts DATETIME NOT NULL); INSERT INTO t VALUES(1,'2013-01-01 "
      "05:00:00'),"
      "(2,'2013-01-01T05:00:00.250Z'),(3,'2013-01-01 "
      "05:00:00.25'),(4,1357016400250),(5,'2013-01-01 06:00:00+01:00'),"
      "(6,'2013-01-02 00:00:00')");
  auto source =
      driver("timestamp", {{"timestamp.column.name", "ts"}, {"poll.interval.ms", "100000"}});
  const auto rows = source.until_idle(1);  // every block holds one record
  ASSERT_THAT(rows, SizeIs(6));
  EXPECT_EQ(rows[0], "t {n=1,ts=1357016400000}");
  EXPECT_THAT(source.source_offsets,
              ElementsAre("none", "1357016400000 0", "1357016400000 0", "1357016400000 0",
                          "1357016400250 250000000", "1357084800000 0"));
}

TEST_F(SqliteSourceTest, TimestampResumesWithTheWholeGroupThatWasCut) {
  run("CREATE TABLE t(n INTEGER, ts TEXT NOT NULL); INSERT INTO t VALUES(1,'2013-01-01 05:00:00'),"
      "(2,'2013-01-01 06:00:00'),(3,'2013-01-01 06:00:00')");
  const Settings more = {{"timestamp.column.name", "ts"}, {"poll.interval.ms", "100000"}};
  {
    auto source = driver("timestamp", more);
    std::vector<std::string> out;
    TestBlock block(2);
    source.poll(block, out);
    EXPECT_THAT(source.source_offsets, ElementsAre("1357016400000 0", "1357016400000 0"));
  }
  EXPECT_THAT(driver("timestamp", more).until_idle(),
              ElementsAre("t {n=2,ts='2013-01-01 06:00:00'}", "t {n=3,ts='2013-01-01 06:00:00'}"));
}

TEST_F(SqliteSourceTest, TimestampLeavesOutTheFutureAndTheDelay) {
  run("CREATE TABLE t(n INTEGER, ts INTEGER NOT NULL);"
      "INSERT INTO t VALUES(1, 1000), (2, (unixepoch() - 3600) * 1000), (3, (unixepoch() + 3600) * "
      "1000)");
  const Settings more = {{"timestamp.column.name", "ts"}, {"poll.interval.ms", "100000"}};
  EXPECT_THAT(driver("timestamp", more).until_idle(), SizeIs(2));
  context_.offsets.clear();
  Settings delayed = more;
  delayed["timestamp.delay.interval.ms"] = "7200000";
  EXPECT_THAT(driver("timestamp", delayed).until_idle(), ElementsAre("t {n=1,ts=1000}"));
  context_.offsets.clear();
  Settings initial = more;
  initial["timestamp.initial"] = "1000";
  EXPECT_THAT(driver("timestamp", initial).until_idle(), SizeIs(1));
}

TEST_F(SqliteSourceTest, TimestampIncrementingReadsUpdatesAndTellsTiesApart) {
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT NOT NULL); INSERT INTO t VALUES"
      "(1,NULL,'2013-01-01 05:00:00'),(2,NULL,'2013-01-01 05:00:00'),(3,'2013-01-01 "
      "04:00:00','2019-01-01')");
  const Settings more = {{"timestamp.column.name", "a,b"}, {"poll.interval.ms", "0"}};
  auto source = driver("timestamp+incrementing", more);
  std::vector<std::string> out;
  for (int i = 0; i < 4; ++i) {
    TestBlock block(1);
    source.poll(block, out);
  }
  EXPECT_THAT(source.source_offsets,
              ElementsAre("3 1357012800000 0", "1 1357016400000 0", "2 1357016400000 0"));
  run("UPDATE t SET a = '2014-01-01' WHERE id = 1");
  out.clear();
  TestBlock block;
  source.poll(block, out);
  EXPECT_THAT(out, ElementsAre("t {id=1,a='2014-01-01',b='2013-01-01 05:00:00'}"));
}

TEST_F(SqliteSourceTest, TimestampThatIsNoneIsAnError) {
  run("CREATE TABLE t(ts TEXT NOT NULL); INSERT INTO t VALUES('soon')");
  EXPECT_THAT(why([&] {
                driver("timestamp", {{"timestamp.column.name", "ts"}}).until_idle();
              }),
              HasSubstr("text 'soon'"));
}

TEST_F(SqliteSourceTest, QueryModeReadsASelectWithItsOwnWhere) {
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT); INSERT INTO t "
      "VALUES(1,'a'),(2,'b'),(3,'a')");
  auto source = driver("incrementing", {{"query", "SELECT id, upper(x) AS u FROM t WHERE x = 'a';"},
                                        {"incrementing.column.name", "id"},
                                        {"topic.prefix", "q"},
                                        {"poll.interval.ms", "100000"}});
  EXPECT_THAT(source.until_idle(), ElementsAre("q {id=1,u={type='text',value='A'}}",
                                               "q {id=3,u={type='text',value='A'}}"));
  EXPECT_THAT(source.source_offsets, ElementsAre("1", "3"));
  EXPECT_THAT(context_.partitions, ElementsAre(R"({"query":"query"})"));
}

TEST_F(SqliteSourceTest, DeclaredTypesGiveSchemas) {
  run("CREATE TABLE t(i INTEGER NOT NULL, r DOUBLE, s VARCHAR(10), b BLOB, o BOOLEAN, d DATE, c "
      "TIME, ts TIMESTAMP,"
      " n DECIMAL(10,2), num NUMERIC, u, j JSON, PRIMARY KEY(i, s)) WITHOUT ROWID;"
      "INSERT INTO t VALUES(1,2.5,'x',x'00ff',1,'2013-01-31','05:00:01.5','2013-01-01 "
      "00:00:00.5',12.34,7,NULL,'{}')");
  auto source = driver("bulk", {{"poll.interval.ms", "100000"}});
  EXPECT_THAT(
      source.until_idle(),
      ElementsAre("t {i=1,r=2.5,s='x',b=<00ff>,o=true,d=15736,c=18001500,ts=1356998400500,n=<04d2>,"
                  "num={type='integer',value='7'},u=null,j={type='text',value='{}'}}"));
  EXPECT_THAT(source.keys, ElementsAre("{i=1,s='x'}"));
  std::vector<std::string> schemas;
  for (const Field& field : source.last_schema->fields()) schemas.push_back(shown(field.schema));
  EXPECT_THAT(schemas, ElementsAre("int64", "float64?", "string", "bytes?", "bool?",
                                   "int32? org.apache.kafka.connect.data.Date",
                                   "int32? org.apache.kafka.connect.data.Time",
                                   "int64? org.apache.kafka.connect.data.Timestamp",
                                   "bytes? org.apache.kafka.connect.data.Decimal scale 2",
                                   "struct? penstock.sqlite.Any", "struct? penstock.sqlite.Any",
                                   "struct? penstock.sqlite.Any"));
}

TEST_F(SqliteSourceTest, NumericMappingAndGranularityChangeTypes) {
  run("CREATE TABLE t(n DECIMAL(4,0), m DECIMAL(6,2), ts DATETIME); INSERT INTO t VALUES(12, 3.25, "
      "'2013-01-01 00:00:00.000001')");
  EXPECT_THAT(bulk({{"numeric.mapping", "best_fit"}, {"timestamp.granularity", "micros_long"}}),
              ElementsAre("t {n=12,m=3.25,ts=1356998400000001}"));
  EXPECT_THAT(bulk({{"numeric.mapping", "precision_only"},
                    {"timestamp.granularity", "micros_iso_datetime_string"}}),
              ElementsAre("t {n=12,m=<0145>,ts='2013-01-01T00:00:00.000001'}"));
}

TEST_F(SqliteSourceTest, AValueOfAnotherClassFailsItsRecordOnly) {
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, x INTEGER); INSERT INTO t "
      "VALUES(1,1),(2,'two'),(3,2.5),(4,x'01'),(5,5)");
  auto source = driver("incrementing", {{"poll.interval.ms", "100000"}});
  EXPECT_THAT(source.until_idle(), ElementsAre("t {id=1,x=1}", "t {id=5,x=5}"));
  EXPECT_THAT(source.errors, SizeIs(3));
  EXPECT_EQ(source.errors[0],
            "table t, key 2, column x: holds the text 'two', which is no value of its declared "
            "type INTEGER; "
            "sqlite.mixed.types=any reads such tables as they are");
}

TEST_F(SqliteSourceTest, MixedTypesAnyCarriesEveryValue) {
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, x INTEGER); INSERT INTO t "
      "VALUES(1,1),(2,'two'),(3,2.5),(4,x'01'),(5,NULL),(6,9e999)");
  EXPECT_THAT(
      bulk({{"sqlite.mixed.types", "any"}}),
      ElementsAre("t {id=1,x={type='integer',value='1'}}", "t {id=2,x={type='text',value='two'}}",
                  "t {id=3,x={type='real',value='2.5'}}", "t {id=4,x={type='blob',value='AQ=='}}",
                  "t {id=5,x=null}", "t {id=6,x={type='real',value='inf'}}"));
}

TEST_F(SqliteSourceTest, EmptyTextsAndBlobsAreNotNull) {
  run("CREATE TABLE t(s TEXT, b BLOB, r REAL); INSERT INTO t VALUES('', x'', -0.0), (NULL, NULL, "
      "NULL), ('h' || char(0) || 'i', zeroblob(2), 1)");
  EXPECT_THAT(bulk(), ElementsAre("t {s='',b=<>,r=0}", "t {s=null,b=null,r=null}",
                                  std::string("t {s='h\0i',b=<0000>,r=1}", 24)));
}

TEST_F(SqliteSourceTest, TextThatIsNotUtf8FailsItsRecord) {
  run("CREATE TABLE t(s TEXT); INSERT INTO t VALUES('gr' || char(252) || 'n'), (CAST(x'6672fc' AS "
      "TEXT))");
  auto source = driver("bulk", {{"poll.interval.ms", "100000"}});
  EXPECT_THAT(source.until_idle(), ElementsAre("t {s='gr\xC3\xBCn'}"));
  EXPECT_THAT(source.errors, ElementsAre(HasSubstr("not UTF-8")));
}

TEST_F(SqliteSourceTest, GeneratedColumnsAndViewsAreRead) {
  run("CREATE TABLE t(a INTEGER, g INTEGER GENERATED ALWAYS AS (a * 2) VIRTUAL, s TEXT AS (a || "
      "'!') STORED);"
      "CREATE VIEW v AS SELECT a, a + 1 AS b FROM t; INSERT INTO t(a) VALUES(4)");
  EXPECT_THAT(bulk(), ElementsAre("t {a=4,g=8,s='4!'}"));
  EXPECT_THAT(bulk({{"table.types", "VIEW"}}), ElementsAre("v {a=4,b={type='integer',value='5'}}"));
}

TEST_F(SqliteSourceTest, OddNamesAreQuoted) {
  run("CREATE TABLE \"a\"\"b.c, d%\"(\"x\"\"y\" INTEGER PRIMARY KEY, \"select\" TEXT); INSERT INTO "
      "\"a\"\"b.c, d%\" VALUES(1,'q')");
  SourceConnector connector;
  TestTasks tasks;
  connector.tasks(TestConfig(kSourceKeys.items, settings("incrementing")), 4, tasks);
  ASSERT_THAT(tasks.all, SizeIs(1));
  auto source = driver("incrementing", {{"task.tables", tasks.all[0].at("task.tables")},
                                        {"poll.interval.ms", "100000"}});
  EXPECT_THAT(source.until_idle(), ElementsAre("a\"b.c, d% {x\"y=1,select='q'}"));
  EXPECT_THAT(context_.partitions, ElementsAre(R"({"protocol":"1","table":"a\"b.c, d%"})"));
}

TEST_F(SqliteSourceTest, TablesAreSplitOverTasks) {
  run("CREATE TABLE a(x); CREATE TABLE b(x); CREATE TABLE c(x); INSERT INTO a VALUES(1); INSERT "
      "INTO b VALUES(2); INSERT INTO c VALUES(3)");
  SourceConnector connector;
  TestTasks tasks;
  connector.tasks(TestConfig(kSourceKeys.items, settings("bulk")), 2, tasks);
  ASSERT_THAT(tasks.all, SizeIs(2));
  std::vector<std::size_t> rows;
  for (int i = 0; i < 2; ++i) {
    context_.task = i;
    Settings more = tasks.all[static_cast<std::size_t>(i)];
    more["poll.interval.ms"] = "100000";
    rows.push_back(driver("bulk", more).until_idle().size());
  }
  EXPECT_THAT(rows, ElementsAre(2, 1));
}

TEST_F(SqliteSourceTest, TableListsSelect) {
  run("CREATE TABLE a1(x); CREATE TABLE a2(x); CREATE TABLE b(x); INSERT INTO a1 VALUES(1); INSERT "
      "INTO a2 VALUES(1); INSERT INTO b VALUES(1)");
  EXPECT_THAT(bulk({{"table.whitelist", "b"}}), SizeIs(1));
  EXPECT_THAT(bulk({{"table.blacklist", "b"}}), SizeIs(2));
  EXPECT_THAT(bulk({{"table.include.list", "a.*"}, {"table.exclude.list", "a2"}}), SizeIs(1));
}

TEST_F(SqliteSourceTest, ValidationReportsWhatIsMissing) {
  run("CREATE TABLE a(x)");
  SourceConnector connector;
  TestProblems problems;
  connector.validate(
      TestConfig(kSourceKeys.items, settings("bulk", {{"table.whitelist", "a,nope"}})), problems);
  connector.validate(TestConfig(kSourceKeys.items, settings("timestamp")), problems);
  connector.validate(TestConfig(kSourceKeys.items, settings("bulk", {{"table.exclude.list", "a"}})),
                     problems);
  connector.validate(
      TestConfig(kSourceKeys.items, settings("bulk", {{"connection.url", folder_ + "/none.db"}})),
      problems);
  run("CREATE TABLE b(ts BLOB NOT NULL, id INTEGER PRIMARY KEY)");
  connector.validate(TestConfig(kSourceKeys.items, settings("incrementing")), problems);
  connector.validate(
      TestConfig(kSourceKeys.items, settings("timestamp", {{"timestamp.column.name", "ts"},
                                                           {"table.whitelist", "b"}})),
      problems);
  EXPECT_THAT(
      problems.all,
      ElementsAre("table.whitelist: there is no table nope in the database (see also table.types)",
                  "timestamp.column.name: mode timestamp needs the name of a column",
                  "table.exclude.list: needs table.include.list",
                  "connection.url: database " + folder_ + "/none.db: the file does not exist",
                  "incrementing.column.name: table a has no automatic key, name a column",
                  "timestamp.column.name: column ts of table b is BLOB, not a timestamp"));
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/none.db"));
}

TEST_F(SqliteSourceTest, UrisAndMemoryAreRefusedAndJdbcIsTaken) {
  EXPECT_THROW(path_of("file:x.db"), std::invalid_argument);
  EXPECT_THROW(path_of(":memory:"), std::invalid_argument);
  EXPECT_THROW(path_of("jdbc:sqlite:"), std::invalid_argument);
  EXPECT_EQ(path_of("jdbc:sqlite:/a/b.db"), "/a/b.db");
  EXPECT_THAT(why([&] { writer_->execute("ATTACH '" + folder_ + "/other.db' AS o"); }),
              HasSubstr("too many attached"));
}

TEST_F(SqliteSourceTest, NewTablesAskForAnotherPlan) {
  run("CREATE TABLE a(x)");
  auto source = driver("bulk", {{"table.poll.interval.ms", "0"}, {"poll.interval.ms", "100000"}});
  source.until_idle();
  EXPECT_EQ(context_.replans, 0);
  run("CREATE TABLE b(x)");
  source.until_idle();
  EXPECT_EQ(context_.replans, 1);
}

TEST_F(SqliteSourceTest, AnAddedColumnShowsInTheNextRound) {
  run("CREATE TABLE t(id INTEGER PRIMARY KEY); INSERT INTO t VALUES(1)");
  auto source = driver("incrementing");
  std::vector<std::string> out;
  TestBlock first, second;
  source.poll(first, out);
  run("ALTER TABLE t ADD COLUMN x TEXT; INSERT INTO t VALUES(2, 'new')");
  source.poll(second, out);
  EXPECT_THAT(out, ElementsAre("t {id=1}", "t {id=2,x='new'}"));
}

TEST_F(SqliteSourceTest, ADroppedTableStopsNothing) {
  run("CREATE TABLE a(x INTEGER); CREATE TABLE b(x INTEGER); INSERT INTO b VALUES(1)");
  auto source = driver("bulk", {{"poll.interval.ms", "100000"}});
  run("DROP TABLE a");
  EXPECT_THAT(source.until_idle(), ElementsAre("b {x=1}"));
  EXPECT_THAT(context_.lines, ElementsAre(HasSubstr("table a does not exist any more"),
                                          HasSubstr("the tables changed")));
}

// SQLite itself gives an interrupted table-valued pragma another code at some moments.
TEST_F(SqliteSourceTest, AnInterruptIsAnInterruptWhereverItComes) {
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT, y TEXT)");
  const std::jthread stopper([this](const std::stop_token& enough) {
    while (!enough.stop_requested()) writer_->interrupt();
  });
  int interrupted = 0;
  for (int i = 0; i < 20'000 && interrupted < 2000; ++i) {
    try {
      Statement list = writer_->prepare("SELECT name FROM pragma_table_xinfo('t') ORDER BY cid");
      while (list.step()) {
      }
    } catch (const Error& e) {
      ++interrupted;
      ASSERT_EQ(e.code & 0xff, SQLITE_INTERRUPT) << e.what();
    }
  }
}

TEST_F(SqliteSourceTest, KeepsTheContractOfSources) {
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT); INSERT INTO t VALUES(1,'a'),(2,'b'),(3,'c');"
      "CREATE TABLE u(id INTEGER PRIMARY KEY, y BLOB); INSERT INTO u VALUES(1,x'00'),(2,x'01')");
  EXPECT_THAT(penstock::testing::definition_contract(kSource), IsEmpty());
  EXPECT_THAT(penstock::testing::source_contract(
                  kSource, settings("incrementing", {{"poll.interval.ms", "100000"}})),
              IsEmpty());
}

}  // namespace
}  // namespace penstock::sqlite
