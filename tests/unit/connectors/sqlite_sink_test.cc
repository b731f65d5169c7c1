#include "connectors/sqlite/sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "connectors/sqlite/connection.h"
#include "penstock/testing/contract.h"
#include "tests/unit/connectors/sink_rows.h"
#include "tests/unit/connectors/sqlite_sink_fixture.h"

namespace penstock::sqlite {
namespace {

using namespace penstock::testing;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(SqliteSink, ItsDefinitionIsSound) { EXPECT_THAT(definition_contract(kSink), IsEmpty()); }

TEST_F(SqliteSink, KeepsTheContractOfSinks) {
  upsert();
  SinkInput input;
  input.settings = settings_;
  input.add = [](SinkHarness& to, int round) {
    add_pair(to, "contract", {int64("id", round)}, {text("a", "x")});
  };
  input.stored = [&] {
    const bool made =
        std::filesystem::exists(path_) && rows("PRAGMA table_info(contract)").size() > 0;
    return made ? rows("SELECT * FROM contract ORDER BY id") : std::vector<std::string>();
  };
  EXPECT_THAT(sink_contract(kSink, input), IsEmpty());
}

TEST_F(SqliteSink, InsertsEveryTypeAndReadsItBack) {
  const std::string megabyte(1 << 20, 'm');
  add_value(sink(), "t",
            {int64("id", -1), int32("i", 7), real("r", 0.1), text("s", "Grüße 'x'"),
             blob("b", std::string_view("\0\xff", 2)), flag("f", true), date("d", 15736),
             time("ti", 18000500), timestamp("ts", 1359608400123),
             decimal("n", std::string_view("\xfb\x2e", 2)), text("big", megabyte),
             text("empty", ""), null(text("none", ""))});
  sink().put();
  EXPECT_THAT(rows("SELECT id,i,r,s,hex(b),f,d,ti,ts,n,length(big),empty,none FROM t"),
              ElementsAre("-1|7|0.1|Grüße 'x'|00FF|1|2013-01-31|05:00:00.500|2013-01-31 "
                          "05:00:00.123|-12.34|1048576||NULL"));
  EXPECT_THAT(rows("SELECT group_concat(type) FROM pragma_table_info('t')"),
              ElementsAre("INTEGER,INTEGER,REAL,TEXT,BLOB,BOOLEAN,DATE,TIME,TIMESTAMP,NUMERIC(10,2)"
                          ",TEXT,TEXT,TEXT"));
}

TEST_F(SqliteSink, UnwrapsSqliteAnyToItsStorageClass) {
  sql("CREATE TABLE t(a, b, c, d, e)");
  const Field fields[] = {{"type", sink().schema({.type = Type::kString})},
                          {"value", sink().schema({.type = Type::kString, .optional = true})}};
  const SchemaSpec any{
      .type = Type::kStruct, .optional = true, .name = logical::kSqliteAny, .fields = fields};
  const auto cell = [&](std::string name, std::string_view type, std::string_view value) {
    const auto parts = sink().block().values(2);
    parts[0] = Value::string(type);
    parts[1] = type == "null" ? Value::null() : Value::string(value);
    return Cell{std::move(name), any, Value::row(parts)};
  };
  add_value(sink(), "t",
            {cell("a", "integer", "5"), cell("b", "real", "1.5"), cell("c", "text", "5"),
             cell("d", "blob", "AP8="), cell("e", "null", "")});
  sink().put();
  EXPECT_THAT(rows("SELECT typeof(a),a,typeof(b),b,typeof(c),c,typeof(d),hex(d),typeof(e) FROM t"),
              ElementsAre("integer|5|real|1.5|text|5|blob|00FF|null"));
}

TEST_F(SqliteSink, UpsertChangesOnlyTheColumnsOfTheRecord) {
  upsert();
  sql("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, kept TEXT DEFAULT 'k'); INSERT INTO t VALUES "
      "(1,'old','mine')");
  add_pair(sink(), "t", {int64("id", 1)}, {text("a", "new")});
  add_pair(sink(), "t", {int64("id", 2)}, {text("a", "two")});
  sink().put();
  EXPECT_THAT(rows("SELECT * FROM t ORDER BY id"), ElementsAre("1|new|mine", "2|two|k"));
}

TEST_F(SqliteSink, KeepsTheOrderOfDeletesAndUpsertsWithinAKey) {
  upsert();
  add_pair(sink(), "t", {int64("id", 1)}, {text("a", "1")});
  add_tombstone(sink(), "t", {int64("id", 1)});
  add_pair(sink(), "t", {int64("id", 1)}, {text("a", "2")});
  add_pair(sink(), "t", {int64("id", 2)}, {text("a", "3")});
  add_tombstone(sink(), "t", {int64("id", 2)});
  sink().put();
  EXPECT_THAT(rows("SELECT * FROM t"), ElementsAre("1|2"));
}

TEST_F(SqliteSink, AnAbsentFieldLeavesItsColumnAsItIs) {
  upsert();
  sql("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT NOT NULL); INSERT INTO t VALUES "
      "(1,'a','b')");
  add_pair(sink(), "t", {int64("id", 1)}, {text("a", "new"), absent(text("b", ""))});
  sink().put();
  EXPECT_THAT(rows("SELECT * FROM t"), ElementsAre("1|new|b"));
}

TEST_F(SqliteSink, UpdateModeNeverAddsARow) {
  settings_["insert.mode"] = "update";
  settings_["pk.mode"] = "record_value";
  settings_["pk.fields"] = "id";
  sql("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT); INSERT INTO t VALUES (1,'a')");
  add_value(sink(), "t", {int64("id", 1), text("a", "b")});
  add_value(sink(), "t", {int64("id", 2), text("a", "c")});
  sink().put();
  EXPECT_THAT(rows("SELECT * FROM t"), ElementsAre("1|b"));
}

TEST_F(SqliteSink, KeyFromKafkaIsTopicPartitionAndOffset) {
  settings_["pk.mode"] = "kafka";
  settings_["fields.whitelist"] = "a";
  add_value(sink(), "t", {text("a", "x"), text("left_out", "y")});
  sink().put();
  EXPECT_THAT(rows("SELECT * FROM t"), ElementsAre("t|0|0|x"));
}

TEST_F(SqliteSink, APrimitiveKeyNeedsItsColumnNamed) {
  upsert();
  settings_["pk.fields"] = "name";
  const auto [schema, row] = row_of(sink(), {int32("v", 1)});
  Record& record = sink().add("t");
  record.key_schema = sink().schema({.type = Type::kString});
  record.key = Value::string("k");
  record.value_schema = schema;
  record.value = row;
  sink().put();
  EXPECT_THAT(rows("SELECT * FROM t"), ElementsAre("k|1"));
}

TEST_F(SqliteSink, TopicsCannotEscapeTheirQuotes) {
  const std::string topic = "a\"; DROP TABLE victim; --";
  sql("CREATE TABLE victim(a)");
  sink().open(topic);
  add_value(sink(), topic, {text("c\"d", "x")});
  sink().put();
  EXPECT_THAT(rows("SELECT count(*) FROM victim"), ElementsAre("0"));
  EXPECT_THAT(rows("SELECT \"c\"\"d\" FROM \"a\"\"; DROP TABLE victim; --\""), ElementsAre("x"));
}

TEST_F(SqliteSink, ATopicCannotReachTheOffsetsTable) {
  sink().open("__PENSTOCK_offsets");
  add_value(sink(), "__PENSTOCK_offsets", {text("topic", "x")});
  EXPECT_THAT(error_of<std::exception>([&] { sink().put(); }),
              HasSubstr("holds the sink's offsets"));
}

TEST_F(SqliteSink, EvolvesATableByOptionalColumnsOnly) {
  settings_["auto.evolve"] = "true";
  add_value(sink(), "t", {int64("id", 1)});
  sink().put();
  add_value(sink(), "t", {int64("id", 2), text("more", "m")});
  sink().put();
  EXPECT_THAT(rows("SELECT * FROM t"), ElementsAre("1|NULL", "2|m"));
  add_value(sink(), "t", {int64("id", 3), int64("required", 1)});
  EXPECT_THAT(error_of<RecordError>([&] { sink().put(); }),
              HasSubstr("\"required\" cannot be added"));
  EXPECT_THAT(rows("SELECT count(*) FROM t"), ElementsAre("2"));
}

TEST_F(SqliteSink, AMissingTableOrColumnIsNamed) {
  settings_["auto.create"] = "false";
  add_value(sink(), "t", {int64("id", 1)});
  EXPECT_THAT(error_of<std::runtime_error>([&] { sink().try_put(); }),
              HasSubstr("table \"t\" does not exist"));
  sql("CREATE TABLE t(a)");
  EXPECT_THAT(error_of<RecordError>([&] { sink().try_put(); }), HasSubstr("no column \"id\""));
  sql("ALTER TABLE t ADD COLUMN id INTEGER");
  sink().put();
  EXPECT_THAT(rows("SELECT id FROM t"), ElementsAre("1"));
}

TEST_F(SqliteSink, UpsertWithoutAKeyIsAClearError) {
  settings_["insert.mode"] = "upsert";
  EXPECT_THAT(error_of<std::exception>([&] { sink(); }), HasSubstr("needs a key"));
  sink_.reset();
  upsert();
  sql("CREATE TABLE t(id INTEGER, a TEXT)");
  add_pair(sink(), "t", {int64("id", 1)}, {text("a", "x")});
  EXPECT_THAT(error_of<std::runtime_error>([&] { sink().put(); }),
              HasSubstr("no primary key or unique constraint on exactly (\"id\")"));
  add_value(sink(), "t", {text("a", "x")});
  EXPECT_THAT(
      error_of<RecordError>([&] { sink().put(); }),
      AllOf(HasSubstr("table \"t\": the record has no key"), HasSubstr("pk.mode=record_value")));
}

TEST_F(SqliteSink, AValueThatDoesNotFitNamesTableColumnAndKeyAndStoresNothing) {
  upsert();
  sql("CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT NOT NULL)");
  add_pair(sink(), "t", {int64("id", 1)}, {text("a", "1"), text("b", "")});
  add_pair(sink(), "t", {int64("id", 2)}, {text("a", "twelve"), text("b", "")});
  try {
    sink().try_put();
    FAIL();
  } catch (const RecordError& e) {
    EXPECT_EQ(e.index, 1U);
    EXPECT_STREQ(
        e.what(),
        "table \"t\", column \"a\", key {id=2}: value 'twelve' (STRING) does not fit type INTEGER");
  }
  EXPECT_THAT(rows("SELECT * FROM t"), IsEmpty());
  sink().discard();
  add_pair(sink(), "t", {int64("id", 3)}, {null(text("a", "")), null(text("b", ""))});
  EXPECT_THAT(error_of<RecordError>([&] { sink().put(); }),
              HasSubstr("column \"b\", key {id=3}: NULL in a NOT NULL column"));
}

TEST_F(SqliteSink, AViolatedConstraintIsTheErrorOfItsRecord) {
  sql("CREATE TABLE t(id INTEGER PRIMARY KEY)");
  for (const int id : {1, 2, 1, 3}) add_value(sink(), "t", {int64("id", id)});
  try {
    sink().put();
    FAIL();
  } catch (const RecordError& e) {
    EXPECT_EQ(e.index, 2U);
    EXPECT_THAT(e.what(), HasSubstr("UNIQUE constraint failed: t.id"));
  }
  EXPECT_THAT(rows("SELECT * FROM t"), IsEmpty());
}

TEST_F(SqliteSink, ObjectsWithoutSchemaConvertToTheColumns) {
  sql("CREATE TABLE t(i INTEGER, r REAL, s TEXT, b BLOB, f BOOLEAN)");
  add_object(sink(), "t",
             {text("i", "12"), int64("r", 2), int64("s", 3), text("b", "AP8="), flag("f", false)});
  add_object(sink(), "t", {int64("i", 1)});
  sink().put();
  EXPECT_THAT(rows("SELECT i, r, s, hex(b), f FROM t"),
              ElementsAre("12|2.0|3|00FF|0", "1|NULL|NULL||NULL"));
  add_object(sink(), "t", {real("i", 1.5)});
  EXPECT_THAT(error_of<RecordError>([&] { sink().put(); }),
              HasSubstr("1.5 (FLOAT64) does not fit type INTEGER"));
  sink().open("fresh");
  add_object(sink(), "fresh", {real("i", 1.5)});
  EXPECT_THAT(error_of<std::runtime_error>([&] { sink().put(); }),
              HasSubstr("only from a record with a schema"));
}

TEST_F(SqliteSink, ALockedDatabaseIsRetriedAndLosesNothing) {
  sink();
  Connection other(path_, Access::kWrite, 0);
  other.execute("BEGIN IMMEDIATE");
  add_value(sink(), "t", {int64("id", 1)});
  EXPECT_THAT(error_of<RetriableError>([&] { sink().try_put(); }),
              HasSubstr("another program holds the database"));
  other.execute("COMMIT");
  sink().put();
  sink().flush();
  EXPECT_THAT(rows("SELECT id FROM t"), ElementsAre("1"));
}

TEST_F(SqliteSink, LargePutsAreCutIntoTransactions) {
  settings_["batch.size"] = "2";
  sql("CREATE TABLE t(id INTEGER PRIMARY KEY)");
  for (const int id : {1, 2, 3, 3}) add_value(sink(), "t", {int64("id", id)});
  EXPECT_THAT(error_of<RecordError>([&] { sink().try_put(); }), HasSubstr("UNIQUE"));
  EXPECT_THAT(rows("SELECT id FROM t"), ElementsAre("1", "2"));
  EXPECT_THAT(error_of<RecordError>([&] { sink().try_put(); }),
              HasSubstr("UNIQUE"));  // and not for the first two
}

TEST_F(SqliteSink, AMissingDirectoryIsNamed) {
  settings_["connection.url"] = directory_ + "/none/out.db";
  EXPECT_THAT(validate(kSink, settings_),
              ElementsAre(HasSubstr("the directory " + directory_ + "/none does not exist")));
  EXPECT_THAT(error_of<std::exception>([&] { sink(); }), HasSubstr("/none/out.db"));
}

TEST_F(SqliteSink, ALockedDatabaseIsNoProblemOfTheSettings) {
  Connection other(path_, Access::kCreate, 0);
  other.execute("CREATE TABLE x(a); BEGIN EXCLUSIVE");
  EXPECT_THAT(validate(kSink, settings_), IsEmpty());
  settings_["connection.attempts"] = "1";
  EXPECT_THAT(error_of<RetriableError>([&] { sink(); }), HasSubstr("locked"));
  settings_["connection.url"] = directory_ + "/text.db";
  std::ofstream(directory_ + "/text.db") << std::string(5000, 'x');
  EXPECT_THAT(validate(kSink, settings_), ElementsAre(HasSubstr("not a database")));
}

TEST_F(SqliteSink, ADeleteBeforeTheTableExistsDoesNothing) {
  upsert();
  add_tombstone(sink(), "t", {int64("id", 1)});
  sink().put();
  add_pair(sink(), "t", {int64("id", 1)}, {text("a", "x")});
  add_tombstone(sink(), "t", {int64("id", 2)});
  sink().put();
  EXPECT_THAT(rows("SELECT * FROM t"), ElementsAre("1|x"));
  add_tombstone(sink(), "t", {int64("id", 1)});
  sink().put();
  EXPECT_THAT(rows("SELECT * FROM t"), IsEmpty());
}

TEST_F(SqliteSink, ATombstoneIsABadRecordWhenDeletesAreOff) {
  upsert();
  settings_["delete.enabled"] = "false";
  add_tombstone(sink(), "t", {int64("id", 1)});
  EXPECT_THAT(error_of<RecordError>([&] { sink().put(); }), HasSubstr("set delete.enabled=true"));
}

TEST_F(SqliteSink, AnEmptyFieldNameIsABadRecord) {
  add_object(sink(), "t", {text("", "x")});
  sql("CREATE TABLE t(a)");
  EXPECT_THAT(error_of<RecordError>([&] { sink().put(); }), HasSubstr("must not be empty"));
}

TEST_F(SqliteSink, ARemovedFileIsNotWrittenOn) {
  add_value(sink(), "t", {int64("id", 1)});
  sink().put();
  std::filesystem::remove(path_);
  add_value(sink(), "t", {int64("id", 2)});
  EXPECT_THAT(error_of<std::runtime_error>([&] { sink().put(); }),
              HasSubstr("was removed or replaced"));
}

TEST_F(SqliteSink, NumericColumnsTakeOnlyWhatTheyKeepExactly) {
  sql("CREATE TABLE t(n NUMERIC)");
  for (const std::string_view kept : {"12.5", "-3", "abc", "2013-01-31", "0.1"})
    add_value(sink(), "t", {text("n", kept)});
  sink().put();
  EXPECT_THAT(rows("SELECT n || '' FROM t"), ElementsAre("12.5", "-3", "abc", "2013-01-31", "0.1"));
  for (const std::string_view changed :
       {"007", "1e5", "1234567890.12345678", "+5", " 7", "9223372036854775808"}) {
    add_value(sink(), "t", {text("n", changed)});
    EXPECT_THAT(error_of<RecordError>([&] { sink().put(); }),
                HasSubstr("does not fit type NUMERIC"))
        << changed;
  }
}

TEST_F(SqliteSink, KeysWithoutSchemaFindTheirRow) {
  upsert();
  sql("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT)");
  for (const std::string_view value : {"x", "y"}) {
    const Value key = object_of(sink(), {int64("id", 1)});
    const Value object = object_of(sink(), {int64("id", 1), text("a", value)});
    Record& record = sink().add("t");
    record.key = key;
    record.value = object;
  }
  sink().put();
  EXPECT_THAT(rows("SELECT * FROM t"), ElementsAre("1|y"));
  const Value key = object_of(sink(), {int64("id", 1)});
  sink().add("t").key = key;
  sink().put();
  EXPECT_THAT(rows("SELECT * FROM t"), IsEmpty());
}

TEST_F(SqliteSink, AFullDiskIsRetriedAndLosesNothing) {
  const std::string disk = directory_ + "/disk";
  std::filesystem::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=1m") != 0)
    GTEST_SKIP() << "needs the right to mount";
  path_ = disk + "/out.db";
  settings_["connection.url"] = path_;
  add_value(sink(), "t", {int64("id", 1), text("a", "small")});
  sink().put();
  const std::string filler = disk + "/filler";
  { std::ofstream(filler) << std::string(400 * 1024, 'f'); }
  const std::string large(900 * 1024, 'l');
  add_value(sink(), "t", {int64("id", 2), text("a", large)});
  EXPECT_THAT(error_of<RetriableError>([&] { sink().try_put(); }), HasSubstr("the disk is full"));
  EXPECT_EQ(::mount("tmpfs", disk.c_str(), "tmpfs", MS_REMOUNT, "size=16m"), 0);
  sink().put();
  sink().flush();
  EXPECT_THAT(rows("SELECT id, length(a) FROM t"), ElementsAre("1|5", "2|921600"));
  sink_.reset();
  ::umount(disk.c_str());
}

}  // namespace
}  // namespace penstock::sqlite
