#include "connectors/file/output.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "penstock/plugin.h"

namespace penstock::file {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void trouble(const std::string& path, const char* what, int number) {
  throw std::runtime_error(path + ": " + what + ": " + std::strerror(number));
}

/// Length of the file up to and with its last line end.
std::int64_t whole_lines(int fd, std::int64_t size, const std::string& path) {
  char buffer[64 * 1024];
  while (size > 0) {
    const auto part = std::min<std::int64_t>(size, sizeof buffer);
    const ssize_t got = ::pread(fd, buffer, static_cast<std::size_t>(part), size - part);
    if (got < 0 && errno == EINTR) continue;
    if (got != part) trouble(path, "cannot be read", got < 0 ? errno : EIO);
    const void* end = ::memrchr(buffer, '\n', static_cast<std::size_t>(part));
    if (end != nullptr) return size - part + (static_cast<const char*>(end) - buffer) + 1;
    size -= part;
  }
  return 0;
}

}  // namespace

Output::Output(std::string path, std::int64_t& cut) : path_(std::move(path)) {
  try {
    open(cut);
  } catch (...) {
    if (fd_ >= 0) ::close(fd_);
    throw;
  }
}

Output::~Output() {
  if (fd_ >= 0) ::close(fd_);
}

void Output::open(std::int64_t& cut) {
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd_ < 0) trouble(path_, "cannot be opened", errno);
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    // A former task may be on its way out.
    throw RetriableError(
        path_ + ": another task or process writes it; give each connector a directory of its own");
  }
  struct stat status {};
  if (::fstat(fd_, &status) != 0) trouble(path_, "cannot be examined", errno);
  if (!S_ISREG(status.st_mode)) throw std::runtime_error(path_ + ": not a regular file");
  size_ = whole_lines(fd_, status.st_size, path_);
  cut = status.st_size - size_;
  if (cut > 0 && ::ftruncate(fd_, size_) != 0) trouble(path_, "cannot be truncated", errno);
  dirty_ = cut > 0;
  since_ = std::chrono::steady_clock::now();
  sync_folder();
}

void Output::write() {
  const std::int64_t before = size_;
  std::size_t done = 0;
  while (done < pending_.size()) {
    const ssize_t n = ::write(fd_, pending_.data() + done, pending_.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int number = errno;
      truncate(before);
      const std::string text = path_ + ": " + std::strerror(number);
      if (number == ENOSPC || number == EDQUOT)
        throw RetriableError(text + "; free some space: the same records are tried again");
      throw std::runtime_error(text);
    }
    done += static_cast<std::size_t>(n);
    size_ += n;
    dirty_ = true;
  }
  pending_.clear();
}

void Output::truncate(std::int64_t size) {
  if (::ftruncate(fd_, size) != 0) trouble(path_, "cannot be truncated", errno);
  size_ = size;
}

/// What is written to a file that has lost its name is lost with it.
void Output::check_still_there() const {
  struct stat here {};
  struct stat named {};
  if (::fstat(fd_, &here) != 0) trouble(path_, "cannot be examined", errno);
  if (::stat(path_.c_str(), &named) == 0 && named.st_ino == here.st_ino &&
      named.st_dev == here.st_dev)
    return;
  throw std::runtime_error(path_ +
                           ": the file was deleted or replaced while it was written; what was not "
                           "stored before is written again");
}

void Output::sync() {
  if (dirty_) check_still_there();
  if (dirty_ && ::fdatasync(fd_) != 0)
    trouble(path_, "fdatasync failed, what was written may be lost", errno);
  dirty_ = false;
}

bool Output::due(std::int64_t bytes, std::chrono::milliseconds age) const {
  if (size_ == 0) return false;
  return (bytes > 0 && size_ >= bytes) ||
         (age.count() > 0 && std::chrono::steady_clock::now() - since_ >= age);
}

void Output::rotate() {
  sync();
  const fs::path whole(path_);
  fs::path to;
  for (int number = 1; to.empty() || fs::exists(to); ++number) {
    if (number > 999'999)
      throw std::runtime_error(path_ + ": 999999 rotated files already; move some away");
    char text[16];
    std::snprintf(text, sizeof text, ".%06d", number);
    to = whole.parent_path() / (whole.stem().string() + text + whole.extension().string());
  }
  if (::rename(path_.c_str(), to.c_str()) != 0) trouble(path_, "cannot be renamed", errno);
  ::close(fd_);
  fd_ = -1;
  std::int64_t cut = 0;
  open(cut);
}

void Output::sync_folder() const {
  const std::string folder =
      fs::path(path_).has_parent_path() ? fs::path(path_).parent_path().string() : ".";
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) trouble(folder, "cannot be opened", errno);
  const int result = ::fsync(fd);
  const int number = errno;
  ::close(fd);
  if (result != 0) trouble(folder, "fsync failed", number);
}

}  // namespace penstock::file
