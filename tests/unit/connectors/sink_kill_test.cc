// kill -9 at a random put, many times: what the database holds is each row once, and the stored
// offset agrees with it.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include "connectors/postgres/connection.h"
#include "connectors/postgres/sink.h"
#include "connectors/sqlite/connection.h"
#include "connectors/sqlite/sink.h"
#include "tests/unit/connectors/postgres_server.h"
#include "tests/unit/connectors/sink_rows.h"

namespace penstock {
namespace {

using namespace penstock::testing;

constexpr int kRounds = 12;
constexpr const char* kCheck =
    "SELECT count(*), count(DISTINCT id), coalesce(max(id), -1) + 1, "
    "(SELECT next_offset FROM __penstock_offsets) FROM t";

/// Never returns: puts rows whose id is their offset, one byte into `out` after each put.
[[noreturn]] void put_until_killed(const ConnectorDescriptor& connector, const Settings& settings,
                                   int out) {
  SinkHarness sink(connector, settings);
  sink.start();
  sink.open("t");
  std::int64_t next = std::max<std::int64_t>(0, sink.sought("t"));
  for (int put = 0;; ++put) {
    for (int i = 0; i < 20; ++i)
      add_value(sink, "t", {int64("id", next++), text("a", "some text")});
    sink.put();
    if (put % 5 == 4) sink.flush();
    if (::write(out, "p", 1) != 1) ::_exit(1);
  }
}

void kill_one(const ConnectorDescriptor& connector, const Settings& settings, int puts) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::close(ends[0]);
    put_until_killed(connector, settings, ends[1]);
  }
  ::close(ends[1]);
  char byte = 0;
  for (int i = 0; i < puts && ::read(ends[0], &byte, 1) == 1; ++i) {
  }
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(ends[0]);
  ASSERT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself";
}

TEST(SinkKill, SqliteHoldsEachRowOnce) {
  std::mt19937 random(20130101);
  char pattern[] = "/tmp/penstock-kill-XXXXXX";
  const std::string directory = ::mkdtemp(pattern);
  const std::string path = directory + "/out.db";
  for (int round = 0; round < kRounds; ++round) {
    kill_one(sqlite::kSink, {{"connection.url", path}, {"auto.create", "true"}},
             1 + static_cast<int>(random() % 30));
    sqlite::Connection connection(path, sqlite::Access::kWrite, 1000);
    sqlite::Statement check = connection.prepare(kCheck);
    ASSERT_TRUE(check.step());
    for (int column = 1; column < 4; ++column)
      EXPECT_EQ(check.integer(column), check.integer(0)) << "round " << round;
  }
  std::filesystem::remove_all(directory);
}

TEST(SinkKill, PostgresHoldsEachRowOnce) {
  PostgresServer* server = PostgresServer::shared();
  if (server == nullptr) GTEST_SKIP() << "no PostgreSQL 15 on this machine";
  std::mt19937 random(20130102);
  postgres::Connection connection(postgres::Address(server->url(), "", ""));
  for (int round = 0; round < kRounds; ++round) {
    kill_one(postgres::kSink, {{"connection.url", server->url()}, {"auto.create", "true"}},
             1 + static_cast<int>(random() % 30));
    // A writer that is still being served ends before the lock is given.
    connection.execute("BEGIN; LOCK TABLE __penstock_offsets, t IN ACCESS EXCLUSIVE MODE");
    const postgres::Result check = connection.execute(kCheck);
    for (int column = 1; column < 4; ++column)
      EXPECT_EQ(check.text(0, column), check.text(0, 0)) << "round " << round;
    connection.execute("COMMIT");
  }
}

}  // namespace
}  // namespace penstock
