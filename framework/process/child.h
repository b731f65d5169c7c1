#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "framework/base/error.h"
#include "framework/base/unique_fd.h"

namespace penstock::process {

/// How a process ended.
struct ExitStatus {
  int code = 0;  // when signal is 0
  int signal = 0;
  [[nodiscard]] bool success() const { return code == 0 && signal == 0; }
  /// "exited with code 3", "killed by signal 11 (segmentation fault)".
  [[nodiscard]] std::string text() const;
};

struct SpawnOptions {
  std::vector<std::string>
      command;  // the program, looked up in PATH when it holds no '/', and its arguments
  std::vector<std::pair<int, int>>
      descriptors;  // (ours, the child's number); everything else but 0 to 2 is closed
  std::vector<std::pair<std::string, std::string>> environment;  // set over ours
  bool capture_output =
      true;  // stdout and stderr come through Child::output and Child::errors; else they are ours
  bool die_with_thread = true;         // SIGKILL when the calling thread ends, the process with it
  bool own_process_group = true;       // so that a terminal's Ctrl-C reaches only us
  std::uint64_t data_limit_bytes = 0;  // RLIMIT_DATA; 0: as ours
  bool core_dumps = false;
};

/// A running or ended child that has not been waited for. Kills and reaps what still runs when it
/// is destroyed. One thread.
class Child {
 public:
  Child() = default;
  Child(pid_t pid, UniqueFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Becomes readable when the process ends.
  [[nodiscard]] int pidfd() const { return pidfd_.get(); }
  /// Sends a signal; nothing when it has ended.
  void signal(int number);
  /// nullopt while it runs; afterwards always the same.
  std::optional<ExitStatus> poll();
  /// Waits at most `timeout_ms` (-1: for ever); nullopt when it still runs.
  std::optional<ExitStatus> wait(int timeout_ms);

  UniqueFd output;  // non-blocking read ends when capture_output
  UniqueFd errors;

 private:
  pid_t pid_ = -1;
  UniqueFd pidfd_;
  std::optional<ExitStatus> ended_;
};

/// Starts a program. kNotFound, kIo: the program could not be started, with its path and the
/// reason.
Result<Child> spawn(const SpawnOptions& options);

}  // namespace penstock::process
