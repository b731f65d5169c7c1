#include "framework/log/file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

namespace penstock::log {
namespace {

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~PosixFile() override { ::close(fd_); }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  Result<std::size_t> read_at(std::uint64_t position, ByteSpan into) const override {
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t n =
          ::pread(fd_, into.data() + done, into.size() - done, static_cast<off_t>(position + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail_errno(errno, "read " + path_);
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

  Status write_at(std::uint64_t position, ByteView from) override {
    std::size_t done = 0;
    while (done < from.size()) {
      const ssize_t n = ::pwrite(fd_, from.data() + done, from.size() - done,
                                 static_cast<off_t>(position + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail_errno(errno, "write " + path_);
      if (n == 0) return fail(Errc::kIo, "write " + path_ + ": nothing was written");
      done += static_cast<std::size_t>(n);
    }
    return {};
  }

  Status truncate(std::uint64_t size) override {
    if (::ftruncate(fd_, static_cast<off_t>(size)) != 0)
      return fail_errno(errno, "truncate " + path_);
    return {};
  }

  Status reserve(std::uint64_t size) override {
    if (::fallocate(fd_, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size)) == 0) return {};
    if (errno == EOPNOTSUPP || errno == ENOSYS) return fail(Errc::kUnsupported, "reserve " + path_);
    return fail_errno(errno, "reserve " + path_);
  }

  Status sync() override {
    if (::fdatasync(fd_) != 0) return fail_errno(errno, "fdatasync " + path_);
    return {};
  }

  Result<std::uint64_t> size() const override {
    struct stat info {};
    if (::fstat(fd_, &info) != 0) return fail_errno(errno, "stat " + path_);
    return static_cast<std::uint64_t>(info.st_size);
  }

  int fd() const override { return fd_; }
  const std::string& path() const override { return path_; }

 private:
  int fd_;
  std::string path_;
};

int open_flags(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY;
    case OpenMode::kReadWrite:
      return O_RDWR;
    case OpenMode::kCreate:
      return O_RDWR | O_CREAT;
    case OpenMode::kCreateNew:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

std::string holder_of(int fd) {
  std::byte text[16];
  const ssize_t n = ::pread(fd, text, sizeof text, 0);
  if (n <= 0) return "another process";
  std::string pid;
  for (const char c : as_text(ByteView(text, static_cast<std::size_t>(n)))) {
    if (c < '0' || c > '9') break;
    pid.push_back(c);
  }
  return pid.empty() ? "another process" : "process " + pid;
}

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    const int fd = ::open(path.c_str(), open_flags(mode) | O_CLOEXEC, 0644);
    if (fd < 0 && errno == EEXIST)
      return fail(Errc::kExists, "open " + path + ": it exists already");
    if (fd < 0) return fail_errno(errno, "open " + path);
    return std::make_unique<PosixFile>(fd, path);
  }

  Status rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0)
      return fail_errno(errno, "rename " + from + " to " + to);
    return {};
  }

  Status remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return fail_errno(errno, "remove " + path);
    return {};
  }

  Status remove_tree(const std::string& path) override {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (error) return fail_errno(error.value(), "remove " + path);
    return {};
  }

  Status create_directories(const std::string& path) override {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return fail_errno(error.value(), "create directory " + path);
    return {};
  }

  Status sync_directory(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return fail_errno(errno, "open directory " + path);
    const PosixFile directory(fd, path);
    if (::fsync(fd) != 0) return fail_errno(errno, "fsync directory " + path);
    return {};
  }

  Result<std::vector<std::string>> list(const std::string& path) const override {
    DIR* directory = ::opendir(path.c_str());
    if (directory == nullptr) return fail_errno(errno, "list " + path);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(directory)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    const int number = errno;
    ::closedir(directory);
    if (number != 0) return fail_errno(number, "list " + path);
    std::sort(names.begin(), names.end());
    return names;
  }

  bool exists(const std::string& path) const override { return ::access(path.c_str(), F_OK) == 0; }

  Result<std::unique_ptr<File>> lock(const std::string& path) override {
    auto file = open(path, OpenMode::kCreate);
    if (!file) return file;
    // An open-file-description lock: it conflicts with the POSIX lock of a JVM broker and with a
    // second open in this process.
    struct flock range {};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    if (::fcntl((*file)->fd(), F_OFD_SETLK, &range) != 0) {
      if (errno != EAGAIN && errno != EACCES) return fail_errno(errno, "lock " + path);
      return fail(Errc::kBusy, path + " is held by " + holder_of((*file)->fd()));
    }
    // Only for the message above: a full disk must not keep us from starting.
    if ((*file)->truncate(0)) {
      const auto written = (*file)->write_at(0, as_bytes(std::to_string(::getpid()) + "\n"));
      if (!written && written.error().code != Errc::kStorageFull)
        return tl::make_unexpected(written.error());
    }
    return file;
  }

  Result<FileStatus> status(const std::string& path) const override {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return fail_errno(errno, "stat " + path);
    return FileStatus{
        static_cast<std::uint64_t>(info.st_size),
        static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1000 + info.st_mtim.tv_nsec / 1'000'000};
  }

  Status set_modified(const std::string& path, std::int64_t modified_ms) override {
    struct timespec times[2] = {};
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_sec = static_cast<time_t>(modified_ms / 1000);
    times[1].tv_nsec = static_cast<long>(modified_ms % 1000) * 1'000'000;
    if (::utimensat(AT_FDCWD, path.c_str(), times, 0) != 0)
      return fail_errno(errno, "set the time of " + path);
    return {};
  }

  Result<std::uint64_t> free_bytes(const std::string& path) const override {
    struct statvfs info {};
    if (::statvfs(path.c_str(), &info) != 0) return fail_errno(errno, "statvfs " + path);
    return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
  }

  Result<std::uint64_t> total_bytes(const std::string& path) const override {
    struct statvfs info {};
    if (::statvfs(path.c_str(), &info) != 0) return fail_errno(errno, "statvfs " + path);
    return static_cast<std::uint64_t>(info.f_blocks) * info.f_frsize;
  }
};

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

}  // namespace

Status FileSystem::set_modified(const std::string&, std::int64_t) { return {}; }

Result<std::uint64_t> FileSystem::total_bytes(const std::string& path) const {
  return fail(Errc::kUnsupported, path + ": the size of the file system is not known");
}

FileSystem& posix_file_system() {
  static PosixFileSystem system;
  return system;
}

Status replace_file(FileSystem& files, const std::string& path, std::string_view text,
                    std::shared_ptr<File>& written) {
  const std::string temporary = path + ".tmp";
  PENSTOCK_ASSIGN_OR_RETURN(std::shared_ptr<File> file, files.open(temporary, OpenMode::kCreate));
  PENSTOCK_RETURN_IF_ERROR(file->truncate(0));
  PENSTOCK_RETURN_IF_ERROR(file->write_at(0, as_bytes(text)));
  PENSTOCK_RETURN_IF_ERROR(files.rename(temporary, path));
  written = std::move(file);
  return {};
}

Status write_file_atomically(FileSystem& files, const std::string& path, std::string_view text) {
  const std::string temporary = path + ".tmp";
  {
    PENSTOCK_ASSIGN_OR_RETURN(const auto file, files.open(temporary, OpenMode::kCreate));
    PENSTOCK_RETURN_IF_ERROR(file->truncate(0));
    PENSTOCK_RETURN_IF_ERROR(file->write_at(0, as_bytes(text)));
    PENSTOCK_RETURN_IF_ERROR(file->sync());
  }
  PENSTOCK_RETURN_IF_ERROR(files.rename(temporary, path));
  return files.sync_directory(parent_of(path));
}

Result<std::string> read_file(FileSystem& files, const std::string& path, std::size_t size_max) {
  PENSTOCK_ASSIGN_OR_RETURN(const auto file, files.open(path, OpenMode::kRead));
  PENSTOCK_ASSIGN_OR_RETURN(const std::uint64_t size, file->size());
  if (size > size_max)
    return fail(Errc::kTooLarge, path + " has " + std::to_string(size) + " bytes");
  std::string text(size, '\0');
  PENSTOCK_ASSIGN_OR_RETURN(
      const std::size_t got,
      file->read_at(0, ByteSpan(reinterpret_cast<std::byte*>(text.data()), text.size())));
  text.resize(got);
  return text;
}

}  // namespace penstock::log
