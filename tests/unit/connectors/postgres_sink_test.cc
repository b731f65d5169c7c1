#include "connectors/postgres/sink.h"

#include <gmock/gmock.h>

#include <chrono>
#include <future>
#include <optional>

#include "connectors/postgres/connection.h"
#include "penstock/testing/contract.h"
#include "tests/unit/connectors/postgres_server.h"
#include "tests/unit/connectors/sink_rows.h"

namespace penstock::postgres {
namespace {

using namespace penstock::testing;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class PostgresSink : public ::testing::Test {
 protected:
  void SetUp() override {
    server_ = PostgresServer::shared();
    if (server_ == nullptr) GTEST_SKIP() << "no PostgreSQL 15 on this machine";
    other_.emplace(Address(server_->url(), "", ""));
    sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    settings_ = {
        {"connection.url", server_->url()}, {"auto.create", "true"}, {"connection.attempts", "1"}};
  }
  SinkHarness& sink() {
    if (sink_ == nullptr) {
      sink_ = std::make_unique<SinkHarness>(kSink, settings_);
      sink_->start();
      sink_->open("t");
    }
    return *sink_;
  }
  void sql(const std::string& text) { other_->execute(text); }
  std::vector<std::string> rows(const std::string& query) {
    const Result result = other_->execute(query);
    std::vector<std::string> out;
    for (int r = 0; r < result.rows(); ++r) {
      std::string line;
      for (int c = 0; c < result.columns(); ++c) {
        line += (c == 0 ? "" : "|") +
                (result.is_null(r, c) ? std::string("NULL") : std::string(result.text(r, c)));
      }
      out.push_back(line);
    }
    return out;
  }
  void upsert() {
    settings_["insert.mode"] = "upsert";
    settings_["pk.mode"] = "record_key";
    settings_["delete.enabled"] = "true";
  }
  void drop_connections() {
    sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
        "backend_type = 'client backend'");
  }
  void add_all_types(std::string_view megabyte) {
    add_pair(
        sink(), "t", {int64("id", -1)},
        {int32("i", 7), real("r", 0.1), text("s", "Grüße 'x'"),
         blob("b", std::string_view("\0\xff", 2)), flag("f", true), date("d", 15736),
         time("ti", 18000500), timestamp("ts", 1359608400123),
         decimal("n", std::string_view("\xfb\x2e", 2)), text("big", sink().block().copy(megabyte)),
         text("empty", ""), null(text("none", ""))});
  }
  const std::string all_types_ = "SELECT id,i,r,s,b,f,d,ti,ts,n,length(big),empty,none FROM t";
  const std::string all_types_stored_ =
      "-1|7|0.1|Grüße 'x'|\\x00ff|t|2013-01-31|05:00:00.5|2013-01-31 "
      "05:00:00.123|-12.34|1048576||NULL";

  PostgresServer* server_ = nullptr;
  std::optional<Connection> other_;
  Settings settings_;
  std::unique_ptr<SinkHarness> sink_;
};

TEST_F(PostgresSink, ItsDefinitionIsSound) { EXPECT_THAT(definition_contract(kSink), IsEmpty()); }

TEST_F(PostgresSink, KeepsTheContractOfSinks) {
  upsert();
  SinkInput input;
  input.settings = settings_;
  input.add = [](SinkHarness& to, int round) {
    add_pair(to, "contract", {int64("id", round)}, {text("a", "x")});
  };
  input.stored = [&] {
    const bool made = !rows("SELECT 1 FROM pg_tables WHERE tablename = 'contract'").empty();
    return made ? rows("SELECT * FROM contract ORDER BY id") : std::vector<std::string>();
  };
  EXPECT_THAT(sink_contract(kSink, input), IsEmpty());
}

TEST_F(PostgresSink, CopiesEveryTypeAndReadsItBack) {
  settings_["pk.mode"] = "record_key";
  add_all_types(std::string(1 << 20, 'm'));
  sink().put();
  EXPECT_THAT(rows(all_types_), ElementsAre(all_types_stored_));
  EXPECT_THAT(
      rows("SELECT string_agg(format_type(atttypid, atttypmod), ',' ORDER BY attnum) FROM "
           "pg_attribute "
           "WHERE attrelid = 't'::regclass AND attnum > 0"),
      ElementsAre("bigint,integer,double precision,text,bytea,boolean,date,time without time zone,"
                  "timestamp without time zone,numeric,text,text,text"));
}

TEST_F(PostgresSink, UpsertsEveryTypeAndReadsItBack) {
  upsert();
  add_all_types(std::string(1 << 20, 'm'));
  sink().put();
  EXPECT_THAT(rows(all_types_), ElementsAre(all_types_stored_));
}

TEST_F(PostgresSink, TextsAreCastToTheTypesOfAnExistingTable) {
  sql("CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE DOMAIN short AS varchar(3);"
      "CREATE TABLE t(u uuid, j json, jb jsonb, m mood, n numeric(6,2), ts timestamptz, i inet, a "
      "int[], d short, v varchar(3))");
  add_value(sink(), "t",
            {text("u", "00112233-4455-6677-8899-AABBCCDDEEFF"), text("j", "{}"), text("jb", "[1]"),
             text("m", "happy"), text("n", "-1234.5e-1"), text("ts", "2013-01-31 05:00+02"),
             text("i", "10.0.0.1"), text("a", "{1,2}"), text("d", "abc"), text("v", "äöü")});
  sink().put();
  EXPECT_THAT(rows("SELECT * FROM t"),
              ElementsAre("00112233-4455-6677-8899-aabbccddeeff|{}|[1]|happy|-123.45|2013-01-31 "
                          "03:00:00+00|10.0.0.1|{1,2}|abc|äöü"));
}

TEST_F(PostgresSink, NumbersOfEverySizeReachNumericUnchanged) {
  sql("CREATE TABLE t(n numeric)");
  const std::vector<std::string> numbers = {
      "0",    "1",       "-1",        "9999",       "10000",       "123456789012345678901234567890",
      "0.05", "0.00001", "100000000", "12345.6789", "-0.00010001", "1000000000000.5",
      "0.10"};
  for (const std::string& n : numbers) add_value(sink(), "t", {text("n", n)});
  for (const std::string_view n : {"1e3", "5e-5", ".5", "12e-6"})
    add_value(sink(), "t", {text("n", n)});
  sink().put();
  std::vector<std::string> expected = numbers;
  expected.insert(expected.end(), {"1000", "0.00005", "0.5", "0.000012"});
  EXPECT_EQ(rows("SELECT n FROM t"), expected);
}

TEST_F(PostgresSink, ArraysOfScalarsBecomeArrays) {
  const Schema* items = sink().schema({.type = Type::kString, .optional = true});
  const Value values[] = {Value::string("a\"b\\,{"), Value::null(), Value::string("NULL")};
  add_value(sink(), "t", {Cell{"a", {.type = Type::kArray, .items = items}, Value::array(values)}});
  sink().put();
  EXPECT_THAT(rows("SELECT a[1], a[2], a[3] FROM t"), ElementsAre("a\"b\\,{|NULL|NULL"));
  EXPECT_THAT(rows("SELECT a[2] IS NULL, a[3] IS NULL FROM t"), ElementsAre("t|f"));
}

TEST_F(PostgresSink, ItemsOfArraysAreWhatTheirLogicalTypeSays) {
  const auto items = [&](Type type, std::string_view name) {
    return sink().schema({.type = type, .optional = true, .name = name});
  };
  const Value dates[] = {Value::integer(15736), Value::null()};
  const Value times[] = {Value::integer(123'456)};
  const Value stamps[] = {Value::integer(1'359'622'923'456)};
  const Value decimals[] = {Value::binary("\x30\x39")};
  const Parameter scale[] = {{"scale", "2"}};
  const Schema* decimal =
      sink().schema({.type = Type::kBytes, .name = logical::kDecimal, .parameters = scale});
  sql("CREATE TABLE t(d date[], h time[], s timestamp[], n numeric(6,2)[])");
  add_value(sink(), "t",
            {Cell{"d",
                  {.type = Type::kArray, .items = items(Type::kInt32, logical::kDate)},
                  Value::array(dates)},
             Cell{"h",
                  {.type = Type::kArray, .items = items(Type::kInt32, logical::kTime)},
                  Value::array(times)},
             Cell{"s",
                  {.type = Type::kArray, .items = items(Type::kInt64, logical::kTimestamp)},
                  Value::array(stamps)},
             Cell{"n", {.type = Type::kArray, .items = decimal}, Value::array(decimals)}});
  sink().put();
  EXPECT_THAT(rows("SELECT d, h, s, n FROM t"),
              ElementsAre("{2013-01-31,NULL}|{00:02:03.456}|{\"2013-01-31 09:02:03.456\"}|"
                          "{123.45}"));
}

TEST_F(PostgresSink, KeepsTheLastOfEachKeyAndTheOrderOfDeletes) {
  upsert();
  for (const int v : {1, 2, 3}) add_pair(sink(), "t", {int64("id", 1)}, {int32("v", v)});
  add_pair(sink(), "t", {int64("id", -5)}, {int32("v", 9)});
  add_tombstone(sink(), "t", {int64("id", 1)});
  add_pair(sink(), "t", {int64("id", 1)}, {int32("v", 4)});
  add_pair(sink(), "t", {int64("id", 2)}, {int32("v", 5)});
  add_tombstone(sink(), "t", {int64("id", 2)});
  sink().put();
  EXPECT_THAT(rows("SELECT * FROM t ORDER BY id"), ElementsAre("-5|9", "1|4"));
}

TEST_F(PostgresSink, KeysThatAreEqualInOtherBytesKeepTheLast) {
  upsert();
  settings_["pk.fields"] = "id";
  sql("CREATE TABLE t(id numeric PRIMARY KEY, v int)");
  for (const std::string_view id : {"1.0", "1.00", "1"})
    add_pair(sink(), "t", {text("id", id)}, {int32("v", static_cast<int>(id.size()))});
  sink().put();
  EXPECT_THAT(rows("SELECT v FROM t"), ElementsAre("1"));
}

TEST_F(PostgresSink, AnAbsentFieldLeavesItsColumnAsItIs) {
  upsert();
  sql("CREATE TABLE t(id bigint PRIMARY KEY, a text, b text NOT NULL); INSERT INTO t VALUES (1, "
      "'a', 'b')");
  add_pair(sink(), "t", {int64("id", 1)}, {text("a", "new"), absent(text("b", ""))});
  sink().put();
  EXPECT_THAT(rows("SELECT * FROM t"), ElementsAre("1|new|b"));
}

TEST_F(PostgresSink, UpdateModeNeverAddsARow) {
  settings_["insert.mode"] = "update";
  settings_["pk.mode"] = "record_value";
  settings_["pk.fields"] = "id";
  sql("CREATE TABLE t(id bigint PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'a')");
  add_value(sink(), "t", {int64("id", 1), text("a", "b")});
  add_value(sink(), "t", {int64("id", 2), text("a", "c")});
  sink().put();
  EXPECT_THAT(rows("SELECT * FROM t"), ElementsAre("1|b"));
}

TEST_F(PostgresSink, ARefusedRowAmongManyIsFoundAndNothingIsStored) {
  for (const std::string_view mode : {"insert", "upsert"}) {
    upsert();
    settings_["insert.mode"] = mode;
    sql("DROP TABLE IF EXISTS t, __penstock_offsets; CREATE TABLE t(id bigint PRIMARY KEY, v int "
        "CHECK (v <> 617))");
    sink_.reset();
    for (int i = 0; i < 1000; ++i) add_pair(sink(), "t", {int64("id", i)}, {int32("v", i)});
    try {
      sink().put();
      FAIL();
    } catch (const RecordError& e) {
      EXPECT_EQ(e.index, 617U);
      EXPECT_THAT(e.what(),
                  AllOf(HasSubstr("key {id=617}"), HasSubstr("violates check constraint")));
    }
    EXPECT_THAT(rows("SELECT count(*) FROM t"), ElementsAre("0"));
  }
}

TEST_F(PostgresSink, ADeferredConstraintNamesItsRecord) {
  sql("CREATE TABLE t(id bigint, UNIQUE (id) DEFERRABLE INITIALLY DEFERRED)");
  for (const int id : {1, 2, 2}) add_value(sink(), "t", {int64("id", id)});
  EXPECT_THAT(error_of<RecordError>([&] { sink().put(); }), HasSubstr("duplicate key"));
}

TEST_F(PostgresSink, ValuesThatDoNotFitNameTableColumnAndKey) {
  upsert();
  sql("CREATE TABLE t(id bigint PRIMARY KEY, s smallint, v varchar(3), n int NOT NULL DEFAULT 0)");
  const auto error = [&](const Cell& cell) {
    add_pair(sink(), "t", {int64("id", 5)}, {cell});
    return error_of<RecordError>([&] { sink().put(); });
  };
  const std::string at = "table \"public\".\"t\", column ";
  EXPECT_EQ(error(int32("s", 70000)),
            at + "\"s\", key {id=5}: value 70000 (INT32) does not fit type smallint");
  EXPECT_THAT(
      error(text("v", "äöüß")),
      HasSubstr(
          "\"v\", key {id=5}: a text of 4 characters is too long for type character varying(3)"));
  EXPECT_THAT(error(text("v", std::string_view("a\0b", 3))), HasSubstr("NUL character"));
  EXPECT_THAT(error(null(int32("n", 0))), HasSubstr("NULL in a NOT NULL column"));
  EXPECT_THAT(error(text("missing", "")), HasSubstr("no column \"missing\""));
  EXPECT_THAT(rows("SELECT * FROM t"), IsEmpty());
}

TEST_F(PostgresSink, ObjectsWithoutSchemaConvertToTheColumns) {
  sql("CREATE TABLE t(i int, f float4, s text, b bytea, d date, ts timestamp, n numeric, j jsonb)");
  add_object(
      sink(), "t",
      {text("i", "12"), real("f", 0.5), int64("s", 3), text("b", "AP8="), text("d", "2013-01-31"),
       text("ts", "2013-01-31T05:00:00"), real("n", 0.1), text("j", "{\"a\": 1}")});
  sink().put();
  EXPECT_THAT(rows("SELECT * FROM t"),
              ElementsAre("12|0.5|3|\\x00ff|2013-01-31|2013-01-31 05:00:00|0.1|{\"a\": 1}"));
  add_object(sink(), "t", {text("d", "no date")});
  EXPECT_THAT(error_of<RecordError>([&] { sink().put(); }),
              HasSubstr("invalid input syntax for type date"));
}

TEST_F(PostgresSink, TopicsCannotReachTheCatalogOrEscapeTheirQuotes) {
  const std::string evil = "a\"; DROP TABLE victim; --";
  sql("CREATE TABLE victim(a int)");
  sink().open(evil);
  sink().open("pg_class");
  add_value(sink(), evil, {text("c\"d", "x")});
  add_value(sink(), "pg_class", {text("relname", "x")});
  sink().put();
  EXPECT_THAT(rows("SELECT (SELECT count(*) FROM victim), (SELECT relname FROM public.pg_class), "
                   "(SELECT \"c\"\"d\" FROM \"a\"\"; DROP TABLE victim; --\")"),
              ElementsAre("0|x|x"));
  const std::string name(64, 'n');
  sink().open(name);
  add_value(sink(), name, {text("a", "x")});
  EXPECT_THAT(error_of<RecordError>([&] { sink().put(); }),
              HasSubstr("longer than PostgreSQL's 63 bytes"));
}

TEST_F(PostgresSink, AFormatWithASchemaWritesThere) {
  sql("DROP SCHEMA IF EXISTS other CASCADE; CREATE SCHEMA other");
  settings_["table.name.format"] = "other.x_${topic}";
  add_value(sink(), "t", {int64("id", 1)});
  sink().put();
  EXPECT_THAT(rows("SELECT id FROM other.x_t"), ElementsAre("1"));
}

TEST_F(PostgresSink, EvolvesATableByOptionalColumnsOnly) {
  settings_["auto.evolve"] = "true";
  add_value(sink(), "t", {int64("id", 1)});
  sink().put();
  add_value(sink(), "t", {int64("id", 2), text("more", "m")});
  sink().put();
  EXPECT_THAT(rows("SELECT * FROM t"), ElementsAre("1|NULL", "2|m"));
  add_value(sink(), "t", {int64("id", 3), int64("required", 1)});
  EXPECT_THAT(error_of<RecordError>([&] { sink().put(); }),
              HasSubstr("\"required\" cannot be added"));
}

TEST_F(PostgresSink, ALostConnectionIsRetriedWithoutLossOrRepetition) {
  add_value(sink(), "t", {int64("id", 1)});
  sink().put();
  drop_connections();
  add_value(sink(), "t", {int64("id", 2)});
  EXPECT_THAT(error_of<RetriableError>([&] { sink().try_put(); }), Not(IsEmpty()));
  sink().put();
  sink().flush();
  EXPECT_THAT(rows("SELECT id FROM t"), ElementsAre("1", "2"));
}

TEST_F(PostgresSink, WhatTheServerForgotBeforeAFlushFailsTheTask) {
  add_value(sink(), "t", {int64("id", 1)});
  sink().put();
  sql("UPDATE __penstock_offsets SET next_offset = 0");
  drop_connections();
  error_of<RetriableError>([&] { sink().flush(); });
  EXPECT_THAT(error_of<std::runtime_error>([&] { sink().flush(); }),
              HasSubstr("lost what was not flushed"));
}

TEST_F(PostgresSink, ALockedRowIsRetriedAfterADeadlockOrTimeout) {
  upsert();
  sql("CREATE TABLE t(id bigint PRIMARY KEY, v int); INSERT INTO t VALUES (1, 0)");
  settings_["connection.url"] = server_->url() + " options='-c lock_timeout=50'";
  sink();
  sql("BEGIN; UPDATE t SET v = 1");
  add_pair(sink(), "t", {int64("id", 1)}, {int32("v", 2)});
  EXPECT_THAT(error_of<RetriableError>([&] { sink().try_put(); }), HasSubstr("lock timeout"));
  sql("COMMIT");
  sink().put();
  EXPECT_THAT(rows("SELECT v FROM t"), ElementsAre("2"));
}

TEST_F(PostgresSink, ResumesBehindWhatIsStoredAndDropsReplays) {
  add_value(sink(), "t", {int64("id", 1)});
  add_value(sink(), "t", {int64("id", 2)});
  sink().put();
  sink().flush();
  SinkHarness second(kSink, settings_);
  second.start();
  second.open("t");
  EXPECT_EQ(second.sought("t"), 2);
  add_value(second, "t", {int64("id", 3)}).offset = 1;
  second.put();
  EXPECT_THAT(rows("SELECT id FROM t"), ElementsAre("1", "2"));
}

TEST_F(PostgresSink, ATaskThatWasReplacedStoresNothing) {
  sink();
  SinkHarness second(kSink, settings_);
  second.start();
  second.open("t");
  add_value(sink(), "t", {int64("id", 1)});
  EXPECT_THAT(error_of<std::runtime_error>([&] { sink().put(); }),
              HasSubstr("was taken over by another task of connector test"));
  add_value(second, "t", {int64("id", 2)});
  second.put();
  EXPECT_THAT(rows("SELECT id FROM t"), ElementsAre("2"));
}

TEST_F(PostgresSink, WhatWasStoredWithoutAnAnswerIsNotStoredAgain) {
  add_value(sink(), "t", {int64("id", 1)});
  sink().put();
  sql("INSERT INTO t VALUES (2); UPDATE __penstock_offsets SET next_offset = 2");  // a commit whose
                                                                                   // answer is lost
  drop_connections();
  add_value(sink(), "t", {int64("id", 2)});
  add_value(sink(), "t", {int64("id", 3)});
  EXPECT_THAT(error_of<RetriableError>([&] { sink().try_put(); }), Not(IsEmpty()));
  sink().put();
  EXPECT_THAT(rows("SELECT id FROM t"), ElementsAre("1", "2", "3"));
}

TEST_F(PostgresSink, TasksThatUpsertTheSameKeysDoNotDeadlock) {
  upsert();
  sql("CREATE TABLE t(id bigint PRIMARY KEY, v int)");
  const auto work = [&](const std::string& topic, bool backwards) {
    Settings settings = settings_;
    settings["table.name.format"] = "t";
    SinkHarness task(kSink, settings);
    task.start();
    task.open(topic);
    for (int round = 0; round < 20; ++round) {
      for (int i = 0; i < 200; ++i)
        add_pair(task, topic, {int64("id", backwards ? 200 - i : i + 1)}, {int32("v", round)});
      task.put();
    }
  };
  auto first = std::async(std::launch::async, work, "a", false);
  work("b", true);
  first.get();
  EXPECT_THAT(rows("SELECT count(*), max(v) FROM t"), ElementsAre("200|19"));
}

TEST_F(PostgresSink, StopEndsAPutThatWaitsForALock) {
  upsert();
  sql("CREATE TABLE t(id bigint PRIMARY KEY, v int); INSERT INTO t VALUES (1, 0)");
  add_pair(sink(), "t", {int64("id", 1)}, {int32("v", 2)});
  sql("BEGIN; UPDATE t SET v = 1");
  auto put = std::async(std::launch::async,
                        [&] { return error_of<RetriableError>([&] { sink().try_put(); }); });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (rows("SELECT 1 FROM pg_locks WHERE NOT granted").empty() &&
         std::chrono::steady_clock::now() < deadline) {
  }
  sink().stop();
  EXPECT_THAT(put.get(), HasSubstr("canceling statement"));
  sql("COMMIT");
  EXPECT_THAT(rows("SELECT v FROM t"), ElementsAre("1"));
}

TEST_F(PostgresSink, OffsetsOfAnotherClusterDoNotCount) {
  upsert();
  for (const int id : {1, 2}) add_pair(sink(), "t", {int64("id", id)}, {int64("v", 1)});
  sink().put();
  sink().flush();
  SinkHarness other(kSink, settings_, {.cluster_id = "other"});
  other.start();
  other.open("t");
  EXPECT_EQ(other.sought("t"), -1);
  add_pair(other, "t", {int64("id", 3)}, {int64("v", 2)});
  other.put();
  other.flush();
  EXPECT_THAT(rows("SELECT id FROM t ORDER BY id"), ElementsAre("1", "2", "3"));
  for (const auto& [cluster, next] : {std::pair("test-cluster", 2), std::pair("other", 1)}) {
    SinkHarness again(kSink, settings_, {.cluster_id = cluster});
    again.start();
    again.open("t");
    EXPECT_EQ(again.sought("t"), next);
  }
}

TEST_F(PostgresSink, AnOffsetsTableOfAnotherShapeIsRefusedWithTheRemedy) {
  sql("CREATE TABLE __penstock_offsets (connector TEXT, topic TEXT, \"partition\" INTEGER, "
      "next_offset BIGINT, epoch BIGINT)");
  EXPECT_THAT(error_of<std::runtime_error>([&] { sink(); }),
              AllOf(HasSubstr("it lacks: cluster"), HasSubstr("drop it")));
}

TEST_F(PostgresSink, AServerWithoutAFreeConnectionIsNoProblemOfTheSettings) {
  sql("DROP ROLE IF EXISTS limited; CREATE ROLE limited LOGIN CONNECTION LIMIT 0");
  settings_["connection.user"] = "limited";
  EXPECT_THAT(validate(kSink, settings_), IsEmpty());
  EXPECT_THAT(error_of<RetriableError>([&] { sink(); }), HasSubstr("too many connections"));
  settings_["connection.user"] = "nobody_of_this_name";
  EXPECT_THAT(validate(kSink, settings_), ElementsAre(HasSubstr("does not exist")));
  sink_.reset();
  try {
    sink();
    FAIL() << "a user that does not exist was let in";
  } catch (const RetriableError& e) {
    FAIL() << "an unknown user is waited for: " << e.what();
  } catch (const std::runtime_error&) {
  }
}

TEST_F(PostgresSink, ErrorsNeverHoldThePassword) {
  const Settings bad = {{"connection.url", "postgresql://u:s3cret@127.0.0.1:1/d"},
                        {"connection.password", "t0psecret"}};
  for (const std::string& problem : validate(kSink, bad))
    EXPECT_THAT(problem, AllOf(Not(HasSubstr("s3cret")), Not(HasSubstr("t0psecret"))));
  EXPECT_THAT(validate(kSink, bad), ElementsAre(HasSubstr("cannot connect")));
  EXPECT_THAT(validate(kSink, {{"connection.url", "postgresql://u:s3cret@h:port/d"}}),
              ElementsAre(Not(HasSubstr("s3cret"))));
}

}  // namespace
}  // namespace penstock::postgres
