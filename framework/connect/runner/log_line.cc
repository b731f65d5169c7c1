#include "framework/connect/runner/log_line.h"

#include <unistd.h>

#include <chrono>
#include <mutex>
#include <string>
#include <utility>

namespace penstock::connect {
namespace {

constexpr std::size_t kLineBytesMax = 4096;
constexpr int kLinesPerSecond = 200;

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "DEBUG ";
    case LogLevel::kInfo:
      return "INFO ";
    case LogLevel::kWarn:
      return "WARN ";
    case LogLevel::kError:
      return "ERROR ";
  }
  return "";
}

void put(std::string line) {
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  line += '\n';
  for (std::size_t at = 0; at < line.size();) {
    const auto written = ::write(STDERR_FILENO, line.data() + at, line.size() - at);
    if (written <= 0) return;  // nobody reads any more
    at += static_cast<std::size_t>(written);
  }
}

/// How many lines to report as left out before this one; -1: leave this one out too.
int admit() {
  static std::mutex mutex;  // guards the rest: any thread logs
  static std::chrono::steady_clock::time_point second;
  static int lines = 0, left_out = 0;
  const std::lock_guard lock(mutex);
  const auto now = std::chrono::steady_clock::now();
  if (now - second >= std::chrono::seconds(1)) {
    second = now;
    lines = 0;
  }
  if (++lines > kLinesPerSecond) {
    ++left_out;
    return -1;
  }
  return std::exchange(left_out, 0);
}

}  // namespace

void write_log_line(LogLevel level, std::string_view who, std::string_view text) {
  const int left_out = admit();
  if (left_out < 0) return;
  if (left_out > 0) put("WARN " + std::to_string(left_out) + " lines were left out");
  std::string line(name_of(level));
  line.append(who).append(": ").append(text.substr(0, kLineBytesMax));
  put(std::move(line));
}

}  // namespace penstock::connect
