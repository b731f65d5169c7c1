#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "framework/cli/command.h"

namespace penstock::cli {

namespace {
volatile std::sig_atomic_t signal_seen = 0;
void on_signal(int) { signal_seen = 1; }
}  // namespace

bool interrupted() { return signal_seen != 0; }

void Outcome::failed(const Error& error) {
  std::fprintf(stderr, "penstock: %s\n", error.text.c_str());
  const bool input =
      error.code == Errc::kInvalid || error.code == Errc::kNotFound || error.code == Errc::kExists;
  exit_code = input ? kExitBadInput : kExitFailed;
}

}  // namespace penstock::cli

int main(int argc, char** argv) {
  using namespace penstock::cli;
  struct sigaction action {};
  action.sa_handler = &on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  CLI::App app{"Penstock: stream rows between databases, files and Kafka-protocol clusters."};
  app.name("penstock");
  app.require_subcommand(1);
  app.set_version_flag("--version", PENSTOCK_VERSION);
  app.footer(
      "Example:\n  penstock run examples/flights-to-warehouse.json\n\n'penstock COMMAND --help' "
      "tells more and gives an example.");
  Outcome outcome;
  add_run(app, outcome);
  add_topics(app, outcome);
  add_produce(app, outcome);
  add_consume(app, outcome);
  add_groups(app, outcome);
  add_connectors(app, outcome);
  add_plugins(app, outcome);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? kExitDone : kExitBadInput;
  }
  return outcome.exit_code;
}
