// LD_PRELOAD library of crash_points.py: counts the calls that change files below one folder, over
// all threads, and kills the process with SIGKILL before the n-th. Environment: CRASH_POINT_FOLDER
// (absolute), CRASH_POINT_STATE (a file of sizeof(State) bytes that outlives the process),
// CRASH_POINT_AT (n; 0: only count), CRASH_POINT_TORN=1 (a call that writes bytes first writes half
// of them). What reaches the disk through a mapping is not seen; the broker writes no file that way
// but SQLite's -shm, which is a cache.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

enum Kind : std::uint32_t {
  kWrite,
  kPwrite,
  kPwritev,
  kFsync,
  kFdatasync,
  kRename,
  kUnlink,
  kTruncate,
  kCreate,
  kDirectory,
  kFallocate,
  kKinds
};

struct State {
  std::atomic<std::uint64_t> total;
  std::atomic<std::uint64_t> calls[kKinds];
  std::atomic<std::uint32_t> killed_kind;  // kind + 1; 0: the process was not killed
  char path[260];
};

State* state = nullptr;
const char* folder = nullptr;
std::uint64_t kill_at = 0;
bool torn = false;

__attribute__((constructor)) void start() {
  folder = getenv("CRASH_POINT_FOLDER");
  const char* file = getenv("CRASH_POINT_STATE");
  const char* at = getenv("CRASH_POINT_AT");
  torn = getenv("CRASH_POINT_TORN") != nullptr;
  if (folder == nullptr || file == nullptr) return;
  kill_at = at == nullptr ? 0 : strtoull(at, nullptr, 10);
  const int fd = static_cast<int>(syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC, 0));
  if (fd < 0) return;
  void* map = mmap(nullptr, sizeof(State), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (map != MAP_FAILED) state = static_cast<State*>(map);
}

bool below(const char* path) {
  const std::size_t size = strlen(folder);
  return strncmp(path, folder, size) == 0 && (path[size] == '/' || path[size] == '\0');
}

// The path of a descriptor, or false when it is none of the folder's files.
bool path_of(int fd, char* path, std::size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t n = readlink(link, path, size - 1);
  if (n <= 0) return false;
  path[n] = '\0';
  return below(path);
}

// Counts one call; true when it is the one to die at.
bool count(Kind kind, const char* path) {
  state->calls[kind].fetch_add(1);
  if (state->total.fetch_add(1) + 1 != kill_at) return false;
  state->killed_kind.store(kind + 1);
  snprintf(state->path, sizeof state->path, "%s", path);
  return true;
}

[[noreturn]] void die() {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

void at_descriptor(Kind kind, int fd) {
  if (state == nullptr) return;
  char path[256];
  if (path_of(fd, path, sizeof path) && count(kind, path)) die();
}

void at_path(Kind kind, const char* path) {
  if (state != nullptr && below(path) && count(kind, path)) die();
}

// A path may be relative to a directory's descriptor.
void at_path(Kind kind, int directory, const char* path) {
  if (path[0] == '/' || directory == AT_FDCWD) return at_path(kind, path);
  at_descriptor(kind, directory);
}

template <typename Half>
void at_bytes(Kind kind, int fd, Half half) {
  if (state == nullptr) return;
  char path[256];
  if (!path_of(fd, path, sizeof path) || !count(kind, path)) return;
  if (torn) half();
  die();
}

template <typename Function>
Function next(Function, const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

#define CALL(name, ...)                        \
  static const auto real = next(&name, #name); \
  return real(__VA_ARGS__)

extern "C" {

ssize_t write(int fd, const void* from, size_t size) {
  static const auto real = next(&write, "write");
  at_bytes(kWrite, fd, [&] { (void)real(fd, from, size / 2); });
  return real(fd, from, size);
}

ssize_t pwrite(int fd, const void* from, size_t size, off_t at) {
  static const auto real = next(&pwrite, "pwrite");
  at_bytes(kPwrite, fd, [&] { (void)real(fd, from, size / 2, at); });
  return real(fd, from, size, at);
}

ssize_t pwrite64(int fd, const void* from, size_t size, off64_t at) {
  static const auto real = next(&pwrite64, "pwrite64");
  at_bytes(kPwrite, fd, [&] { (void)real(fd, from, size / 2, at); });
  return real(fd, from, size, at);
}

ssize_t writev(int fd, const iovec* parts, int n) {
  at_descriptor(kWrite, fd);
  CALL(writev, fd, parts, n);
}

ssize_t pwritev(int fd, const iovec* parts, int n, off_t at) {
  at_descriptor(kPwritev, fd);
  CALL(pwritev, fd, parts, n, at);
}

ssize_t pwritev64(int fd, const iovec* parts, int n, off64_t at) {
  at_descriptor(kPwritev, fd);
  CALL(pwritev64, fd, parts, n, at);
}

int fsync(int fd) {
  at_descriptor(kFsync, fd);
  CALL(fsync, fd);
}

int fdatasync(int fd) {
  at_descriptor(kFdatasync, fd);
  CALL(fdatasync, fd);
}

int rename(const char* from, const char* to) {
  at_path(kRename, from);
  CALL(rename, from, to);
}

int renameat(int from_directory, const char* from, int to_directory, const char* to) {
  at_path(kRename, from_directory, from);
  CALL(renameat, from_directory, from, to_directory, to);
}

int unlink(const char* path) {
  at_path(kUnlink, path);
  CALL(unlink, path);
}

int unlinkat(int directory, const char* path, int flags) {
  at_path(kUnlink, directory, path);
  CALL(unlinkat, directory, path, flags);
}

int remove(const char* path) {
  at_path(kUnlink, path);
  CALL(remove, path);
}

int rmdir(const char* path) {
  at_path(kDirectory, path);
  CALL(rmdir, path);
}

int mkdir(const char* path, mode_t mode) {
  at_path(kDirectory, path);
  CALL(mkdir, path, mode);
}

int truncate(const char* path, off_t size) {
  at_path(kTruncate, path);
  CALL(truncate, path, size);
}

int truncate64(const char* path, off64_t size) {
  at_path(kTruncate, path);
  CALL(truncate64, path, size);
}

int ftruncate(int fd, off_t size) {
  at_descriptor(kTruncate, fd);
  CALL(ftruncate, fd, size);
}

int ftruncate64(int fd, off64_t size) {
  at_descriptor(kTruncate, fd);
  CALL(ftruncate64, fd, size);
}

int fallocate(int fd, int mode, off_t at, off_t size) {
  at_descriptor(kFallocate, fd);
  CALL(fallocate, fd, mode, at, size);
}

int fallocate64(int fd, int mode, off64_t at, off64_t size) {
  at_descriptor(kFallocate, fd);
  CALL(fallocate64, fd, mode, at, size);
}

// Of the calls that open, those that may make a file. The mode is there only then; reading it
// always is harmless on this platform's calling convention.
#define MODE(last)                          \
  va_list list;                             \
  va_start(list, last);                     \
  const mode_t mode = va_arg(list, mode_t); \
  va_end(list)

int open(const char* path, int flags, ...) {
  MODE(flags);
  if ((flags & O_CREAT) != 0) at_path(kCreate, path);
  CALL(open, path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  MODE(flags);
  if ((flags & O_CREAT) != 0) at_path(kCreate, path);
  CALL(open64, path, flags, mode);
}

int openat(int directory, const char* path, int flags, ...) {
  MODE(flags);
  if ((flags & O_CREAT) != 0) at_path(kCreate, directory, path);
  CALL(openat, directory, path, flags, mode);
}

int openat64(int directory, const char* path, int flags, ...) {
  MODE(flags);
  if ((flags & O_CREAT) != 0) at_path(kCreate, directory, path);
  CALL(openat64, directory, path, flags, mode);
}

FILE* fopen(const char* path, const char* mode) {
  if (mode[0] != 'r') at_path(kCreate, path);
  CALL(fopen, path, mode);
}

FILE* fopen64(const char* path, const char* mode) {
  if (mode[0] != 'r') at_path(kCreate, path);
  CALL(fopen64, path, mode);
}
}
