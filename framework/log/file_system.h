#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/bytes.h"
#include "framework/base/error.h"

// The one way by which the log library touches disks; tests crash, tear, fill and slow it.
namespace penstock::log {

/// An open file. Positioned reads from any thread; writes, truncate and sync from its owner, but
/// sync() may run on another thread beside writes (it makes durable at least what was written
/// before it began).
class File {
 public:
  virtual ~File() = default;
  /// Bytes read; fewer than asked only at the end of the file.
  virtual Result<std::size_t> read_at(std::uint64_t position, ByteSpan into) const = 0;
  /// All of `from`, or an error; on error an unknown part was written.
  virtual Status write_at(std::uint64_t position, ByteView from) = 0;
  virtual Status truncate(std::uint64_t size) = 0;
  /// Reserves disk blocks without changing the size; kUnsupported is no failure.
  virtual Status reserve(std::uint64_t size) = 0;
  /// fdatasync. After an error the file must not be trusted nor synced again.
  virtual Status sync() = 0;
  [[nodiscard]] virtual Result<std::uint64_t> size() const = 0;
  /// For sendfile; -1 in a test double.
  [[nodiscard]] virtual int fd() const = 0;
  [[nodiscard]] virtual const std::string& path() const = 0;
};

enum class OpenMode : std::uint8_t { kRead, kReadWrite, kCreate, kCreateNew };

struct FileStatus {
  std::uint64_t size = 0;
  std::int64_t modified_ms = 0;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  virtual Status remove(const std::string& path) = 0;
  virtual Status remove_tree(const std::string& path) = 0;
  virtual Status create_directories(const std::string& path) = 0;
  /// fsync of the directory: makes creations, renames and removals in it durable.
  virtual Status sync_directory(const std::string& path) = 0;
  /// Names (not paths) of files and directories in it, sorted.
  virtual Result<std::vector<std::string>> list(const std::string& path) const = 0;
  [[nodiscard]] virtual bool exists(const std::string& path) const = 0;
  /// Exclusive advisory lock on `path` (created), held until the returned file is destroyed. kBusy
  /// names the holder's process id if it can be read.
  virtual Result<std::unique_ptr<File>> lock(const std::string& path) = 0;
  /// Without opening it. kNotFound when it is not there.
  virtual Result<FileStatus> status(const std::string& path) const = 0;
  /// Sets the modification time, by which retention goes where there are no timestamps. A test
  /// double may leave it.
  virtual Status set_modified(const std::string& path, std::int64_t modified_ms);
  virtual Result<std::uint64_t> free_bytes(const std::string& path) const = 0;
  /// Size of the file system that `path` is on. A test double may not know: kUnsupported.
  virtual Result<std::uint64_t> total_bytes(const std::string& path) const;
};

/// The operating system's files.
FileSystem& posix_file_system();

/// Writes `text` to `path` so that after a crash either the old or the new content is there:
/// temporary file, sync, rename, directory sync.
Status write_file_atomically(FileSystem& files, const std::string& path, std::string_view text);
/// As write_file_atomically() without the two syncs: after a power cut the file may be old, new or
/// empty. `written` gives the open file, so that the next flush can sync it.
Status replace_file(FileSystem& files, const std::string& path, std::string_view text,
                    std::shared_ptr<File>& written);
/// kTooLarge beyond `size_max`.
Result<std::string> read_file(FileSystem& files, const std::string& path, std::size_t size_max);

}  // namespace penstock::log
