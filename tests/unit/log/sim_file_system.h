#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "framework/log/file_system.h"

namespace penstock::log::testing {

/// A disk in memory that can lose power. Names live in one flat map of paths; directories are
/// prefixes. What was written since the last sync() of a file, and names changed since the last
/// sync_directory(), may be lost when the power goes, in whole or in part.
class SimFileSystem final : public FileSystem {
 public:
  struct Inode {
    std::vector<std::byte> now;      // what the running system sees
    std::vector<std::byte> durable;  // what sync() saw last
  };

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status remove_tree(const std::string& path) override;
  Status create_directories(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) const override;
  bool exists(const std::string& path) const override;
  Result<std::unique_ptr<File>> lock(const std::string& path) override;
  Result<FileStatus> status(const std::string& path) const override;
  Result<std::uint64_t> free_bytes(const std::string& path) const override;

  /// The power goes: unsynced bytes are kept up to a random point that `random` chooses (the last
  /// page may be torn to garbage), unsynced names may be lost.
  void lose_power(std::mt19937_64& random);
  /// The process dies in the middle of its last write: `path` loses its last `bytes`.
  void tear_last_write(const std::string& path, std::uint64_t bytes);

  std::map<std::string, std::shared_ptr<Inode>> files;  // for tests that look or do damage
  std::uint64_t bytes_max = UINT64_MAX;  // a full disk: writes that would pass it fail
  bool fail_sync = false;
  /// The process dies before its next but `operations_left`-th change: from then on every change
  /// fails and has no effect.
  std::uint64_t operations_left = UINT64_MAX;
  std::uint64_t operations = 0;  // changes so far
  int open_files = 0;
  std::map<std::string, int> opens;  // of files that exist, by path
  std::uint64_t bytes_read = 0;
  [[nodiscard]] std::uint64_t used_bytes() const;

  /// Counts one change; an error when the process is dead.
  Status change(const std::string& what);

 private:
  struct Rename {
    std::string from;
    std::string to;
    std::shared_ptr<Inode> inode;
  };
  std::vector<Rename>
      renames_;  // since the last sync of their directory: each is kept or lost as a whole
  std::map<std::string, std::shared_ptr<Inode>> durable_names_;
  std::set<std::string> directories_;
  std::set<std::string> locked_;
};

}  // namespace penstock::log::testing
