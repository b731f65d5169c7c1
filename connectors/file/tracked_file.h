#pragma once
// An open input file, and what it is recognised by when its name changes.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::file {

/// First bytes of a file by which it is recognised.
inline constexpr std::int64_t kFingerprintBytes = 1024;

struct Identity {
  std::int64_t inode = 0;
  std::int64_t fingerprint = 0;        // of the first fingerprint_bytes
  std::int64_t fingerprint_bytes = 0;  // at most kFingerprintBytes
};

class TrackedFile {
 public:
  /// nullopt when there is no such file. Throws std::runtime_error for any other trouble.
  static std::optional<TrackedFile> open(const std::string& path);
  TrackedFile(TrackedFile&& other) noexcept;
  TrackedFile& operator=(TrackedFile&& other) noexcept;
  ~TrackedFile();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::int64_t inode() const { return inode_; }
  [[nodiscard]] std::int64_t size() const;
  [[nodiscard]] std::int64_t modified_ns() const;
  /// Up to `size` bytes from `position`, appended to `out`; fewer only at the end of the file.
  std::size_t read(std::int64_t position, std::size_t size, std::string& out) const;
  /// Of the first `bytes`; nullopt when the file is shorter.
  [[nodiscard]] std::optional<std::int64_t> fingerprint(std::int64_t bytes) const;
  /// The file still begins as it did, and is at least `position` long.
  [[nodiscard]] bool continues(const Identity& identity, std::int64_t position) const;

 private:
  TrackedFile(std::string path, int fd, std::int64_t inode)
      : path_(std::move(path)), fd_(fd), inode_(inode) {}
  std::string path_;
  int fd_ = -1;
  std::int64_t inode_ = 0;
};

bool has_wildcard(std::string_view pattern);
/// Regular files that match, sorted; names that are another match with a suffix (a.log.1 beside
/// a.log) are that one's rotated files and left out.
std::vector<std::string> matching(const std::string& pattern);
/// Files beside `path` whose names begin with it and '.' or '-': what rotation makes of it; oldest
/// first. Not compressed ones.
std::vector<TrackedFile> rotated(const std::string& path);

}  // namespace penstock::file
