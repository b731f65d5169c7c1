#pragma once
// One path that is read line by line, through its rotations.

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connectors/file/tracked_file.h"

namespace penstock::file {

struct InputSettings {
  std::size_t line_bytes_max = 1024 * 1024;
  bool follow = true;   // false: the last line counts without a line end, and the input ends
  bool quoted = false;  // CSV: a line end inside quotes belongs to the record
  char quote = '"';
  char delimiter = ',';
  std::chrono::milliseconds rotation_wait{1000};  // a rotated file must be silent for so long
};

/// Where reading stands: what is stored with each record.
struct Place {
  std::int64_t position = 0;
  Identity identity;
};

class Input {
 public:
  using Log = std::function<void(const std::string&)>;
  Input(std::string path, const InputSettings& settings, Log log);

  /// Goes on behind a stored place, in whichever file it is now.
  void resume(const Place& place);

  /// Never read before: begins with these, oldest first, and then the path itself.
  void start_with(std::vector<TrackedFile> older);

  /// The next line without its end, valid until the next call; nullopt: nothing complete now.
  /// Throws std::runtime_error for a line over the limit.
  std::optional<std::string_view> next();
  /// Behind the last line.
  [[nodiscard]] const Place& place() const { return place_; }
  /// Where the last line began.
  [[nodiscard]] std::int64_t line_start() const { return line_start_; }
  /// The file that the last line came from: its name when it was opened.
  [[nodiscard]] std::string name() const { return file_ ? file_->path() : path_; }
  /// Another file than before: its header comes first.
  bool take_file_changed() { return std::exchange(changed_, false); }
  /// The first line of the file being read, whatever the position.
  [[nodiscard]] std::optional<std::string> first_line() const;
  /// All was read; only when not following.
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool missing() const { return !file_; }

 private:
  bool fill();
  bool at_end();
  bool switch_file();
  void start(TrackedFile file, std::int64_t position);
  [[nodiscard]] std::size_t find_end(std::string_view from, std::size_t searched) const;
  void remember_beginning();

  std::string path_;
  InputSettings settings_;
  Log log_;
  std::optional<TrackedFile> file_;
  std::deque<TrackedFile> later_;  // rotated files still to be read, before the path itself
  Place place_;
  std::string buffer_;    // bytes of the file from buffer_at_
  std::size_t used_ = 0;  // of buffer_, up to place_.position
  std::int64_t line_start_ = 0;
  bool changed_ = false, ended_ = false, idle_ = false;
  std::optional<std::chrono::steady_clock::time_point> silent_since_;
};

}  // namespace penstock::file
