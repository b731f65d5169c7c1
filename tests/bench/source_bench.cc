// Rows per second of poll() alone, in CPU time of this process, beside SQLite stepping over the
// same statement.
//
//   source_bench sqlite DATABASE TABLE [MODE]
//   source_bench postgres CONNECTION TABLE [MODE]

#include <cstdio>
#include <ctime>
#include <string_view>

#include "connectors/postgres/source.h"
#include "connectors/sqlite/connection.h"
#include "connectors/sqlite/source.h"
#include "tests/unit/connectors/source_host.h"

namespace {

using namespace penstock;
using penstock::testing::Settings;
using penstock::testing::TestBlock;
using penstock::testing::TestConfig;
using penstock::testing::TestContext;

constexpr int kRounds = 3;
constexpr std::size_t kBlockRecords = 5000;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

void show(const char* what, std::size_t rows, double seconds) {
  const auto count = static_cast<double>(rows);
  std::printf("%-10s %9zu rows  %6.0f ns/row  %9.0f rows/s\n", what, rows, seconds * 1e9 / count,
              count / seconds);
}

void step_only(const std::string& database, const std::string& table) {
  const double begin = cpu_seconds();
  sqlite::Connection connection(database, sqlite::Access::kRead, 0);
  sqlite::Statement statement = connection.prepare("SELECT * FROM " + relational::quoted(table));
  std::size_t rows = 0;
  while (statement.step()) ++rows;
  show("step only", rows, cpu_seconds() - begin);
}

void read_all(const ConnectorDescriptor& connector, const Settings& settings) {
  TestContext context;
  const TestConfig config({connector.keys, connector.key_count}, settings);
  SourceTask* task = connector.make_source();
  task->start(config, context);
  TestBlock block(kBlockRecords);
  std::size_t rows = 0;
  const double begin = cpu_seconds();
  for (Polled polled = Polled::kMore; polled == Polled::kMore;) {
    block.clear();
    polled = task->poll(block);
    rows += block.size();
  }
  show("poll()", rows, cpu_seconds() - begin);
  connector.destroy_source(task);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 4) {
    std::fprintf(stderr, "usage: source_bench sqlite|postgres CONNECTION TABLE [MODE]\n");
    return 2;
  }
  const bool sqlite = std::string_view(arguments[1]) == "sqlite";
  const Settings settings = {{"connection.url", arguments[2]},
                             {"table.whitelist", arguments[3]},
                             {"mode", count > 4 ? arguments[4] : "bulk"},
                             {"poll.interval.ms", "100000"}};
  try {
    for (int i = 0; i < kRounds; ++i) {
      if (sqlite) step_only(arguments[2], arguments[3]);
      read_all(sqlite ? sqlite::kSource : postgres::kSource, settings);
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "source_bench: %s\n", e.what());
    return 1;
  }
}
