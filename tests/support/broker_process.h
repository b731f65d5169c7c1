#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "framework/process/child.h"

namespace penstock::testing {

/// A temporary directory, removed with everything in it.
class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// A real penstock-broker on a free port of loopback. Killed when it dies.
class BrokerProcess {
 public:
  /// Starts it on the data directory `data` and waits for its ready line; throws std::runtime_error
  /// with its stderr when it does not come.
  explicit BrokerProcess(std::string data, std::vector<std::string> overrides = {});

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] pid_t pid() const { return child_.pid(); }
  /// SIGTERM; how it ended.
  process::ExitStatus stop();
  /// SIGKILL.
  void kill();
  /// What it wrote to stderr so far.
  std::string errors();

 private:
  process::Child child_;
  std::uint16_t port_ = 0;
  std::string errors_;
};

struct CommandResult {
  process::ExitStatus status;
  std::string output;
  std::string errors;
};
/// Runs a program to its end with `input` on its stdin; killed after the timeout.
CommandResult run_command(const std::vector<std::string>& command, const std::string& input = {},
                          int timeout_ms = 30'000);
/// The program under test, for run_command().
std::string broker_program();

}  // namespace penstock::testing
