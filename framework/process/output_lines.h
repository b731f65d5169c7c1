#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "framework/base/unique_fd.h"

namespace penstock::process {

/// Turns a child's output into lines at a bounded rate: what exceeds it is read and dropped, and
/// one line says how much. One thread.
class OutputLines {
 public:
  struct Limits {
    double lines_per_second = 50;
    double lines_burst = 200;
    std::size_t line_bytes_max = 4096;  // longer lines are cut
  };
  using Sink = std::function<void(std::string_view line)>;

  explicit OutputLines(UniqueFd fd) : OutputLines(std::move(fd), Limits()) {}
  OutputLines(UniqueFd fd, Limits limits);

  /// Reads what is there without waiting, at most 64 KiB. False when the stream has ended; the rest
  /// of a last line was given.
  bool read(std::int64_t now_ms, const Sink& sink);
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  void emit(std::int64_t now_ms, const Sink& sink);
  UniqueFd fd_;
  Limits limits_;
  std::string line_;
  bool cut_ = false;
  double allowed_;
  std::int64_t last_ms_ = 0;
  std::int64_t dropped_ = 0;
};

}  // namespace penstock::process
