#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <pthread.h>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>

#include "framework/config/properties.h"
#include "framework/connect/worker/connector_files.h"
#include "framework/connect/worker/worker.h"

namespace {

using namespace penstock;
using namespace penstock::connect;

constexpr const char* kUsage =
    "usage: penstock-connect standalone [worker.properties "
    "[connector.json|connector.properties]...] [--override key=value]...\n";

struct Arguments {
  StringMap settings;
  std::vector<std::pair<std::string, Herder::Put>> connectors;
  std::string problems;
};

void complain(Arguments& arguments, const std::string& text) { arguments.problems += text + "\n"; }

Arguments read_arguments(int count, char** values) {
  Arguments out;
  std::vector<std::string> files;
  StringMap overrides;
  for (int i = 2; i < count; ++i) {
    const std::string_view argument = values[i];
    if (argument == "--override" && i + 1 < count) {
      const std::string_view pair = values[++i];
      const auto equals = pair.find('=');
      if (equals == std::string_view::npos)
        complain(out, "--override " + std::string(pair) + ": must be key=value");
      else
        overrides[std::string(pair.substr(0, equals))] = pair.substr(equals + 1);
    } else if (argument.starts_with('-')) {
      complain(out, "unknown option " + std::string(argument));
    } else {
      files.emplace_back(argument);
    }
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (i == 0) {
      if (files[0].ends_with(".json")) {
        complain(out, files[0] +
                          ": the first file holds the worker's settings, the others connectors; "
                          "this looks like a connector");
        continue;
      }
      const auto loaded = config::load_properties(files[0]);
      if (loaded)
        out.settings.insert(loaded->begin(), loaded->end());
      else
        complain(out, loaded.error().text);
      continue;
    }
    auto connector = read_connector_file(files[i]);
    if (connector)
      out.connectors.emplace_back(files[i], std::move(*connector));
    else
      complain(out, connector.error().text);
  }
  for (auto& [key, value] : overrides) out.settings[key] = value;
  return out;
}

/// Before any thread begins: all of them inherit it.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return set;
}

}  // namespace

int main(int count, char** values) {
  const std::string_view mode = count > 1 ? values[1] : "";
  if (mode == "--help" || mode == "-h") {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (mode != "standalone") {
    std::fputs(mode == "distributed" ? "penstock-connect: distributed mode is not supported yet\n"
                                     : kUsage,
               stderr);
    return 2;
  }
  const sigset_t stop_signals = block_signals();
  auto arguments = read_arguments(count, values);
  auto settings = read_worker_settings(
      arguments.settings, std::filesystem::read_symlink("/proc/self/exe").parent_path().string());
  if (!settings) complain(arguments, settings.error().text);
  if (!arguments.problems.empty()) {
    std::fprintf(stderr, "penstock-connect: cannot start:\n%s", arguments.problems.c_str());
    return 2;
  }
  spdlog::set_default_logger(spdlog::stderr_logger_mt("connect"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
  spdlog::set_level(spdlog::level::from_str(settings->log_level));
  const auto ready = [](const std::string& address) {
    std::printf("ready %s\n", address.c_str());
    std::fflush(stdout);
  };
  const auto stop_asked = [&stop_signals](std::chrono::milliseconds at_most) {
    const timespec wait{at_most.count() / 1000, at_most.count() % 1000 * 1'000'000};
    return sigtimedwait(&stop_signals, nullptr, &wait) > 0;
  };
  const auto ended =
      run_worker(std::move(*settings), std::move(arguments.connectors), ready, stop_asked);
  if (ended) return 0;
  std::fprintf(stderr, "penstock-connect: %s\n", ended.error().text.c_str());
  return ended.error().code == Errc::kInvalid ? 2 : 1;
}
