#include "connectors/file/tracked_file.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace penstock::file {
namespace {

[[noreturn]] void trouble(const std::string& path, int number) {
  throw std::runtime_error(path + ": " + std::strerror(number));
}

struct stat status_of(const std::string& path, int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) trouble(path, errno);
  return status;
}

bool is_rotation_of(std::string_view name, std::string_view of) {
  return name.size() > of.size() && name.starts_with(of) &&
         (name[of.size()] == '.' || name[of.size()] == '-');
}

bool compressed(std::string_view name) {
  for (const char* suffix : {".gz", ".xz", ".bz2", ".zst", ".lz4", ".zip"}) {
    if (name.ends_with(suffix)) return true;
  }
  return false;
}

}  // namespace

std::optional<TrackedFile> TrackedFile::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 && errno == ENOENT) return std::nullopt;
  if (fd < 0) trouble(path, errno);
  TrackedFile out(path, fd, 0);
  const struct stat status = status_of(path, fd);
  if (!S_ISREG(status.st_mode)) throw std::runtime_error(path + ": not a regular file");
  out.inode_ = static_cast<std::int64_t>(status.st_ino);
  return out;
}

TrackedFile::TrackedFile(TrackedFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), inode_(other.inode_) {}
TrackedFile& TrackedFile::operator=(TrackedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  std::swap(inode_, other.inode_);
  return *this;
}
TrackedFile::~TrackedFile() {
  if (fd_ >= 0) ::close(fd_);
}

std::int64_t TrackedFile::size() const { return status_of(path_, fd_).st_size; }
std::int64_t TrackedFile::modified_ns() const {
  const struct stat status = status_of(path_, fd_);
  return static_cast<std::int64_t>(status.st_mtim.tv_sec) * 1'000'000'000 + status.st_mtim.tv_nsec;
}

std::size_t TrackedFile::read(std::int64_t position, std::size_t size, std::string& out) const {
  const std::size_t before = out.size();
  out.resize(before + size);
  std::size_t got = 0;
  while (got < size) {
    const ssize_t n = ::pread(fd_, out.data() + before + got, size - got,
                              position + static_cast<std::int64_t>(got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) trouble(path_, errno);
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  out.resize(before + got);
  return got;
}

std::optional<std::int64_t> TrackedFile::fingerprint(std::int64_t bytes) const {
  std::string first;
  if (read(0, static_cast<std::size_t>(bytes), first) < static_cast<std::size_t>(bytes))
    return std::nullopt;
  std::uint64_t hash = 0xCBF29CE484222325ULL;  // FNV-1a
  for (const char c : first) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return static_cast<std::int64_t>(hash);
}

bool TrackedFile::continues(const Identity& identity, std::int64_t position) const {
  return size() >= position && (identity.fingerprint_bytes == 0 ||
                                fingerprint(identity.fingerprint_bytes) == identity.fingerprint);
}

bool has_wildcard(std::string_view pattern) {
  return pattern.find_first_of("*?[") != std::string_view::npos;
}

std::vector<std::string> matching(const std::string& pattern) {
  if (!has_wildcard(pattern)) return {pattern};
  ::glob_t found{};
  const int result = ::glob(pattern.c_str(), 0, nullptr, &found);
  std::vector<std::string> out;
  for (std::size_t i = 0; result == 0 && i < found.gl_pathc; ++i) {
    std::error_code ignored;
    const std::string path = found.gl_pathv[i];
    if (!std::filesystem::is_regular_file(path, ignored)) continue;
    const auto base_of = [&path](const std::string& other) { return is_rotation_of(path, other); };
    if (std::none_of(out.begin(), out.end(), base_of)) out.push_back(path);
  }
  ::globfree(&found);
  return out;
}

std::vector<TrackedFile> rotated(const std::string& path) {
  namespace fs = std::filesystem;
  const fs::path whole(path);
  const fs::path folder = whole.has_parent_path() ? whole.parent_path() : fs::path(".");
  std::vector<std::pair<std::int64_t, TrackedFile>> found;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    std::error_code ignored;
    if (!is_rotation_of(name, whole.filename().string()) || compressed(name) ||
        !at->is_regular_file(ignored))
      continue;
    if (auto file = TrackedFile::open(at->path().string())) {
      const std::int64_t modified = file->modified_ns();
      found.emplace_back(modified, std::move(*file));
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<TrackedFile> out;
  out.reserve(found.size());
  for (auto& [modified, file] : found) out.push_back(std::move(file));
  return out;
}

}  // namespace penstock::file
