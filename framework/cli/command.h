#pragma once

#include <string>

#include "framework/base/error.h"

namespace CLI {
class App;
}

namespace penstock::cli {

/// Exit codes of every command: done, something failed, the input is wrong, interrupted.
inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitBadInput = 2;
inline constexpr int kExitInterrupted = 130;

inline constexpr const char* kDefaultBootstrap = "127.0.0.1:9092";
inline constexpr const char* kDefaultWorker = "http://127.0.0.1:8083";

/// Set by the command that ran.
struct Outcome {
  int exit_code = kExitDone;
  /// Prints "penstock: text" on stderr and sets the exit code: bad input for kInvalid and
  /// kNotFound, else failed.
  void failed(const Error& error);
};

/// True once SIGINT or SIGTERM arrived (handlers are installed by main).
bool interrupted();

void add_run(CLI::App& app, Outcome& outcome);
void add_topics(CLI::App& app, Outcome& outcome);
void add_produce(CLI::App& app, Outcome& outcome);
void add_consume(CLI::App& app, Outcome& outcome);
void add_groups(CLI::App& app, Outcome& outcome);
void add_connectors(CLI::App& app, Outcome& outcome);
void add_plugins(CLI::App& app, Outcome& outcome);

}  // namespace penstock::cli
