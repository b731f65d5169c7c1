#include "connectors/sqlite/sink.h"

#include <algorithm>
#include <filesystem>

#include "connectors/sqlite/sink_database.h"

namespace penstock::sqlite {
namespace {

constexpr int kTestBusyMsMax = 1'000;

SinkDatabaseSettings database_settings(const Config& config) {
  return {path_of(config.text("connection.url")),
          static_cast<int>(config.number("sqlite.busy.timeout.ms")),
          config.text("sqlite.synchronous") == "FULL"};
}

}  // namespace

std::unique_ptr<relational::SinkDatabase> Sink::make_database(
    const Config& config, const relational::SinkSettings& settings, SinkContext& context) {
  SinkDatabaseSettings own = database_settings(config);
  // Without offsets in the database there is no later commit that would make fast ones durable.
  if (!settings.exactly_once && !own.full) {
    context.log(
        LogLevel::kWarn,
        "sqlite.synchronous=NORMAL with exactly.once=false: a power cut may lose committed rows");
  }
  return std::make_unique<SqliteSinkDatabase>(std::move(own), context);
}

void test_sink_connection(const Config& config) {
  const SinkDatabaseSettings settings = database_settings(config);
  const std::filesystem::path path(settings.path);
  if (!std::filesystem::exists(path)) {
    const std::filesystem::path parent = path.has_parent_path() ? path.parent_path() : ".";
    if (std::filesystem::is_directory(parent)) return;  // start() creates the file
    throw std::runtime_error("database " + settings.path + ": the directory " + parent.string() +
                             " does not exist");
  }
  try {
    Connection connection(settings.path, Access::kWrite,
                          std::min(settings.busy_timeout_ms, kTestBusyMsMax));
    static_cast<void>(connection.number("SELECT count(*) FROM sqlite_schema"));
  } catch (const Error& e) {
    if (e.busy()) throw relational::BusyError(e.what());
    throw;
  }
}

}  // namespace penstock::sqlite
