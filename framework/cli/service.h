#pragma once

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "framework/base/error.h"
#include "framework/process/child.h"
#include "framework/process/output_lines.h"

namespace penstock::cli {

/// One of our servers as a child on loopback: started, watched, restarted with backoff on the port
/// it had, stopped with SIGTERM. Its log goes to a file. One thread; call step() often.
class Service {
 public:
  struct Options {
    std::string name;  // "broker"
    std::vector<std::string>
        command;  // "{port}" in an argument becomes 0 at first, later the port it got
    std::string log_path;
    std::vector<std::string> first_arguments =
        {};  // behind the command the first time, not at a restart
    std::int64_t ready_timeout_ms = 60'000;
  };
  /// More failures than this within a minute, and the service is given up.
  static constexpr int kRestartsMax = 5;

  explicit Service(Options options);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Starts it and waits until it said "ready ADDRESS ...". The error holds the last lines of its
  /// log.
  Status start();
  /// Reads output, notices death, restarts when due. An error: it was given up.
  Status step();
  /// SIGTERM, then SIGKILL after `timeout_ms`. False when it had to be killed.
  bool stop(int timeout_ms);

  [[nodiscard]] bool running() const { return ready_; }
  [[nodiscard]] int restarts() const { return restarts_; }
  [[nodiscard]] pid_t pid() const { return child_ ? child_->pid() : -1; }
  /// host:port of the first address it said; of the last start.
  [[nodiscard]] const std::string& address() const { return address_; }

 private:
  Status launch();
  void read_output();
  Status died(const process::ExitStatus& status);
  [[nodiscard]] std::string last_lines() const;

  Options options_;
  std::optional<process::Child> child_;
  std::unique_ptr<process::OutputLines> output_;
  std::unique_ptr<process::OutputLines> errors_;
  std::FILE* log_ = nullptr;
  std::vector<std::string> tail_;
  std::string address_;
  bool ready_ = false;
  int restarts_ = 0;
  std::vector<std::int64_t> deaths_ms_;
  std::int64_t restart_at_ms_ = -1;
};

/// Folder of the running program, where its siblings are.
std::string program_folder();
std::int64_t now_ms();

}  // namespace penstock::cli
