#include "framework/process/output_lines.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace penstock::process {

OutputLines::OutputLines(UniqueFd fd, Limits limits)
    : fd_(std::move(fd)), limits_(limits), allowed_(limits.lines_burst) {}

void OutputLines::emit(std::int64_t now_ms, const Sink& sink) {
  if (last_ms_ != 0) {
    allowed_ += static_cast<double>(now_ms - last_ms_) / 1000 * limits_.lines_per_second;
    allowed_ = std::min(allowed_, limits_.lines_burst);
  }
  last_ms_ = now_ms;
  if (allowed_ < 1) {
    ++dropped_;
  } else {
    if (dropped_ > 0) sink("(" + std::to_string(dropped_) + " lines left out)");
    dropped_ = 0;
    allowed_ -= 1;
    if (cut_) line_ += " (line cut)";
    sink(line_);
  }
  line_.clear();
  cut_ = false;
}

bool OutputLines::read(std::int64_t now_ms, const Sink& sink) {
  std::array<char, 16384> buffer;
  for (int i = 0; fd_ && i < 4; ++i) {
    const auto n = ::read(fd_.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return true;
    if (n <= 0) {
      if (!line_.empty()) emit(now_ms, sink);
      if (dropped_ > 0) sink("(" + std::to_string(dropped_) + " lines left out)");
      dropped_ = 0;
      fd_.reset();
      return false;
    }
    std::string_view rest(buffer.data(), static_cast<std::size_t>(n));
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      const auto part = rest.substr(0, end);
      const auto room = limits_.line_bytes_max - line_.size();
      line_.append(part.substr(0, room));
      cut_ = cut_ || part.size() > room;
      if (end == std::string_view::npos) break;
      emit(now_ms, sink);
      rest.remove_prefix(end + 1);
    }
  }
  return static_cast<bool>(fd_);
}

}  // namespace penstock::process
