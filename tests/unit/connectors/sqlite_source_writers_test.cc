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

TEST_F(SqliteSourceTest, ALockedDatabaseIsNoProblemOfTheSettings) {
  run("CREATE TABLE a(id INTEGER PRIMARY KEY); BEGIN EXCLUSIVE");
  const Settings locked =
      settings("incrementing", {{"sqlite.busy.timeout.ms", "0"}, {"table.whitelist", "nope"}});
  SourceConnector connector;
  TestProblems problems;
  connector.validate(TestConfig(kSourceKeys.items, locked), problems);
  EXPECT_THAT(problems.all, IsEmpty());
  run("COMMIT");
  connector.validate(TestConfig(kSourceKeys.items, locked), problems);
  EXPECT_THAT(problems.all, SizeIs(1));
}

TEST_F(SqliteSourceTest, ALockedDatabaseIsRetriedAndNothingIsLost) {
  run("CREATE TABLE t(id INTEGER PRIMARY KEY); INSERT INTO t VALUES(1)");
  auto source = driver("incrementing");
  run("BEGIN EXCLUSIVE");
  TestBlock block;
  EXPECT_THROW(source.task().poll(block), RetriableError);
  run("INSERT INTO t VALUES(2); COMMIT");
  EXPECT_EQ(source.task().poll(block), Polled::kMore);
  EXPECT_EQ(block.size(), 2U);
}

TEST_F(SqliteSourceTest, ATableUnderReadCanBeWrittenInWalAndWaitsNoLongerThanATick) {
  for (const char* journal : {"WAL", "DELETE"}) {
    run("PRAGMA journal_mode = " + std::string(journal));
    run("DROP TABLE IF EXISTS t; CREATE TABLE t(id INTEGER PRIMARY KEY); INSERT INTO t "
        "VALUES(1),(2),(3)");
    context_.offsets.clear();
    auto source = driver("incrementing");
    std::vector<std::string> out;
    TestBlock block(1);
    source.poll(block, out);  // two rows are left in the open statement
    source.task().tick();     // the host is not reading: let writers in
    run("INSERT INTO t VALUES(4)");
    for (int i = 0; i < 4; ++i) {
      TestBlock next(1);
      source.poll(next, out);
    }
    EXPECT_THAT(out, ElementsAre("t {id=1}", "t {id=2}", "t {id=3}", "t {id=4}")) << journal;
  }
}

/// Runs `work` in another process; its exit code is what `work` returns.
pid_t in_child(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  int code = 1;
  try {
    code = work();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
  }
  ::_exit(code);
}

TEST_F(SqliteSourceTest, AnotherProcessWritesWhileRowsAreRead) {
  constexpr int kRows = 1000;
  for (const char* journal : {"WAL", "DELETE"}) {
    run("PRAGMA journal_mode = " + std::string(journal));
    run("DROP TABLE IF EXISTS t; CREATE TABLE t(id INTEGER PRIMARY KEY)");
    context_.offsets.clear();
    const pid_t child = in_child([&] {
      Connection other(path(), Access::kWrite, 10'000);
      other.execute("PRAGMA synchronous = OFF");
      for (int i = 1; i <= kRows; ++i)
        other.execute("INSERT INTO t VALUES(" + std::to_string(i) + ")");
      return 0;
    });
    auto source = driver("incrementing", {{"sqlite.busy.timeout.ms", "1000"}});
    std::vector<std::string> rows;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (rows.size() < kRows && std::chrono::steady_clock::now() < deadline) {
      TestBlock block(10);
      try {
        source.poll(block, rows);
      } catch (const RetriableError&) {
        continue;
      }
    }
    int status = 1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0) << "the writer was locked out with journal " << journal;
    ASSERT_THAT(rows, SizeIs(kRows)) << journal;
    for (int i = 0; i < kRows; ++i)
      ASSERT_EQ(rows[static_cast<std::size_t>(i)], "t {id=" + std::to_string(i + 1) + "}");
  }
}

TEST_F(SqliteSourceTest, WhatAKilledWriterLeftIsUndone) {
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, x BLOB); INSERT INTO t VALUES(1, NULL)");
  writer_.reset();
  const pid_t child = in_child([&] {
    Connection other(path(), Access::kWrite, 0);
    // A cache this small spills pages into the file before the transaction ends.
    other.execute(
        "PRAGMA cache_size = 2; BEGIN; WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 "
        "FROM n WHERE i < 500) "
        "INSERT INTO t SELECT i, randomblob(4000) FROM n");
    if (!std::filesystem::exists(path() + "-journal")) return 1;
    ::raise(SIGKILL);
    return 1;
  });
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_GT(std::filesystem::file_size(path() + "-journal"), 512U);
  EXPECT_THAT(driver("incrementing", {{"poll.interval.ms", "100000"}}).until_idle(),
              ElementsAre("t {id=1,x=null}"));
}

TEST_F(SqliteSourceTest, ASlowStatementDoesNotHoldUpPollAndStopEndsIt) {
  auto source = driver("bulk", {{"query",
                                 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                                 "SELECT max(i) AS m FROM n"},
                                {"topic.prefix", "q"}});
  const auto started = std::chrono::steady_clock::now();
  TestBlock block;
  EXPECT_EQ(source.task().poll(block), Polled::kMore);
  source.task().tick();
  EXPECT_EQ(source.task().poll(block), Polled::kMore);
  source.task().stop();
  EXPECT_EQ(source.task().poll(block), Polled::kMore);
  EXPECT_EQ(block.size(), 0U);
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(5));
}

}  // namespace
}  // namespace penstock::sqlite
