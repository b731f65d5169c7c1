#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "framework/log/file_system.h"

namespace penstock::broker {

/// Files as `inner` gives them; each sync that fails is told, whoever asked for it: what the disk
/// lost then nobody can know.
class SyncWatch final : public log::FileSystem {
 public:
  using OnFailure = std::function<void(const Error&)>;
  /// `on_failure` from any thread.
  SyncWatch(log::FileSystem& inner, OnFailure on_failure);

  Result<std::unique_ptr<log::File>> open(const std::string& path, log::OpenMode mode) override;
  Status rename(const std::string& from, const std::string& to) override {
    return inner_.rename(from, to);
  }
  Status remove(const std::string& path) override { return inner_.remove(path); }
  Status remove_tree(const std::string& path) override { return inner_.remove_tree(path); }
  Status create_directories(const std::string& path) override {
    return inner_.create_directories(path);
  }
  Status sync_directory(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) const override {
    return inner_.list(path);
  }
  [[nodiscard]] bool exists(const std::string& path) const override { return inner_.exists(path); }
  Result<std::unique_ptr<log::File>> lock(const std::string& path) override {
    return inner_.lock(path);
  }
  Result<log::FileStatus> status(const std::string& path) const override {
    return inner_.status(path);
  }
  Result<std::uint64_t> free_bytes(const std::string& path) const override {
    return inner_.free_bytes(path);
  }
  Result<std::uint64_t> total_bytes(const std::string& path) const override {
    return inner_.total_bytes(path);
  }

 private:
  log::FileSystem& inner_;
  const OnFailure on_failure_;
};

}  // namespace penstock::broker
