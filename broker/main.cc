#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <CLI/CLI.hpp>

#include "broker/broker.h"
#include "broker/client_quotas.h"
#include "broker/last_words.h"
#include "broker/pool.h"
#include "broker/session.h"
#include "framework/net/listener.h"

namespace {

namespace broker = penstock::broker;
namespace net = penstock::net;
using penstock::Errc;
using penstock::Error;

constexpr int kExitFailure = 1;
constexpr int kExitBadSettings = 2;
constexpr std::int64_t kStopGraceMs = 5'000;

int report(const Error& error) {
  std::fprintf(stderr, "penstock-broker: %s\n", error.text.c_str());
  return error.code == Errc::kInvalid ? kExitBadSettings : kExitFailure;
}

net::Listener::Options listener_options(const broker::Settings& settings) {
  net::Listener::Options options;
  options.host = settings.listener.host;
  options.port = settings.listener.port;
  options.connections_max = static_cast<std::size_t>(settings.connections_max);
  options.connections_per_address_max =
      static_cast<std::size_t>(settings.connections_per_address_max);
  options.limits.frame_bytes_max = static_cast<std::uint32_t>(settings.request_bytes_max);
  options.limits.idle_ms_max = settings.connection_idle_ms_max;
  options.limits.queued_bytes_max = static_cast<std::uint64_t>(settings.queued_request_bytes_max);
  return options;
}

void wait_for_stop_signal(const sigset_t& signals) {
  int signal = 0;
  while (sigwait(&signals, &signal) != 0) {
  }
  spdlog::info("stopping on signal {}", signal);
}

int run(const broker::Settings& settings) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any thread starts: all inherit it
  std::signal(SIGPIPE, SIG_IGN);                  // sendfile to a closed socket

  for (const std::string& note : settings.notes) spdlog::warn("settings: {}", note);
  const penstock::SystemClock clock;
  broker::Broker server(settings, clock, penstock::log::posix_file_system());
  std::vector<net::Shard*> shards;
  for (std::size_t i = 0; i < server.shard_count(); ++i) shards.push_back(&server.shard(i).io());
  // The port is bound before the data is touched, so that a second start fails early; nobody is
  // accepted yet.
  auto options = listener_options(settings);
  options.may_connect = [&server](const std::string& address) {
    return server.quotas().may_connect(address, server.clock().steady_ms());
  };
  options.on_short_file = [&server](const net::FileRange& range) {
    const auto& file = *static_cast<const penstock::log::File*>(range.keep.get());
    spdlog::error("{} ends early: {} bytes from {} on are not there", file.path(), range.length,
                  range.position);
    server.file_ended_early(file.path());
  };
  auto listener = net::Listener::open(
      std::move(options), shards,
      [&server](penstock::UniqueFunction<void()> work) { server.pool().run(std::move(work)); },
      [&server](std::shared_ptr<net::Connection> connection) {
        return broker::make_session(server, std::move(connection));
      });
  if (!listener) return report(listener.error());
  server.set_advertised(broker::advertised_endpoint(settings, (*listener)->port()));
  const auto stop_asked = [&signals] {
    const timespec now{};
    return sigtimedwait(&signals, nullptr, &now) > 0;
  };
  if (const auto opened = server.open(stop_asked); !opened) {
    server.close();
    if (opened.error().code == Errc::kCancelled) {
      spdlog::info("{}", opened.error().text);
      return 0;
    }
    return report(opened.error());
  }
  (*listener)->start();
  std::printf("ready PLAINTEXT://%s\n", broker::to_string(server.advertised()).c_str());
  std::fflush(stdout);

  wait_for_stop_signal(signals);
  (*listener)->stop_accepting();
  (*listener)->drain();
  server.finish_long_polls();
  (*listener)->close_connections(kStopGraceMs);
  server.close();
  listener->reset();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  broker::install_last_words();
  CLI::App app(
      "Event broker on the Kafka wire protocol. Listens on loopback and keeps its data in "
      "./penstock-data unless told otherwise.");
  std::string file;
  std::vector<std::string> overrides;
  app.add_option("properties", file, "settings file, with Kafka's names")->check(CLI::ExistingFile);
  app.add_option("--override", overrides, "one setting, key=value; wins over the file")
      ->allow_extra_args(false);
  app.set_version_flag("--version", PENSTOCK_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : kExitBadSettings;
  }
  spdlog::set_default_logger(spdlog::stderr_logger_mt("broker"));
  spdlog::set_pattern("%Y-%m-%d %H:%M:%S.%e %l %v");
  const auto settings = broker::load_settings(file, overrides);
  if (!settings) {
    std::fprintf(stderr, "penstock-broker: the settings are wrong:\n%s\n",
                 settings.error().text.c_str());
    return kExitBadSettings;
  }
  return run(*settings);
}
