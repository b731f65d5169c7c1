#pragma once
// One file that lines are appended to, whole lines only.

#include <chrono>
#include <cstdint>
#include <string>

namespace penstock::file {

class Output {
 public:
  /// Opens or makes it, locks it, and cuts off a last line without its end; `cut` says how many
  /// bytes that were. Throws std::runtime_error naming the file.
  Output(std::string path, std::int64_t& cut);
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  /// Lines of the put under way.
  std::string& pending() { return pending_; }
  /// Writes them; on failure the file is as before, and they are still pending.
  /// Throws RetriableError for a full disk, std::runtime_error otherwise.
  void write();
  /// Takes back what write() added since `size()` was so.
  void truncate(std::int64_t size);
  [[nodiscard]] std::int64_t size() const { return size_; }
  /// fdatasync; a failure is final.
  void sync();
  [[nodiscard]] bool due(std::int64_t bytes, std::chrono::milliseconds age) const;
  /// Renames it to <stem>.000001.<ext> (the next free number); everything was synced.
  void rotate();

 private:
  void open(std::int64_t& cut);
  void check_still_there() const;
  void sync_folder() const;

  std::string path_;
  int fd_ = -1;
  std::int64_t size_ = 0;
  bool dirty_ = false;
  std::string pending_;
  std::chrono::steady_clock::time_point since_;
};

}  // namespace penstock::file
