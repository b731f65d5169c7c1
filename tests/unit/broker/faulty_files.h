#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "framework/log/file_system.h"

namespace penstock::broker {

/// The operating system's files, with failures where a test wants them. Set the hooks while nothing
/// runs, or use atomics in them.
class FaultyFiles final : public log::FileSystem {
 public:
  std::atomic<bool> fail_sync{false};
  /// An error for this path, or success.
  std::function<Status(const std::string& path)> on_open = [](const std::string&) {
    return Status();
  };
  std::function<Status(const std::string& path)> on_rename = [](const std::string&) {
    return Status();
  };

  Result<std::unique_ptr<log::File>> open(const std::string& path, log::OpenMode mode) override {
    PENSTOCK_RETURN_IF_ERROR(on_open(path));
    PENSTOCK_ASSIGN_OR_RETURN(auto file, real_.open(path, mode));
    if (path.ends_with(".log")) {
      const std::lock_guard guard(mutex_);
      synced_.try_emplace(path, 0);
    }
    return std::make_unique<FaultyFile>(*this, std::move(file));
  }
  Status rename(const std::string& from, const std::string& to) override {
    PENSTOCK_RETURN_IF_ERROR(on_rename(from));
    return real_.rename(from, to);
  }
  Status remove(const std::string& path) override { return real_.remove(path); }
  Status remove_tree(const std::string& path) override { return real_.remove_tree(path); }
  Status create_directories(const std::string& path) override {
    return real_.create_directories(path);
  }
  Status sync_directory(const std::string& path) override {
    if (fail_sync) return fail(Errc::kIo, "fsync directory " + path + ": Input/output error");
    return real_.sync_directory(path);
  }
  Result<std::vector<std::string>> list(const std::string& path) const override {
    return real_.list(path);
  }
  [[nodiscard]] bool exists(const std::string& path) const override { return real_.exists(path); }
  Result<std::unique_ptr<log::File>> lock(const std::string& path) override {
    return real_.lock(path);
  }
  Result<log::FileStatus> status(const std::string& path) const override {
    return real_.status(path);
  }
  Result<std::uint64_t> free_bytes(const std::string& path) const override {
    return real_.free_bytes(path);
  }

  /// The power goes while no broker runs: records that no file's sync() saw are gone.
  Status drop_unsynced() {
    for (const auto& [path, bytes] : synced_) {
      PENSTOCK_ASSIGN_OR_RETURN(const auto file, real_.open(path, log::OpenMode::kReadWrite));
      PENSTOCK_RETURN_IF_ERROR(file->truncate(bytes));
    }
    return {};
  }

 private:
  class FaultyFile final : public log::File {
   public:
    FaultyFile(FaultyFiles& files, std::unique_ptr<log::File> real)
        : files_(files), real_(std::move(real)) {}
    Result<std::size_t> read_at(std::uint64_t position, ByteSpan into) const override {
      return real_->read_at(position, into);
    }
    Status write_at(std::uint64_t position, ByteView from) override {
      return real_->write_at(position, from);
    }
    Status truncate(std::uint64_t size) override { return real_->truncate(size); }
    Status reserve(std::uint64_t size) override { return real_->reserve(size); }
    Status sync() override {
      if (files_.fail_sync) return fail(Errc::kIo, "fdatasync " + path() + ": Input/output error");
      PENSTOCK_RETURN_IF_ERROR(real_->sync());
      PENSTOCK_ASSIGN_OR_RETURN(const std::uint64_t bytes, real_->size());
      const std::lock_guard guard(files_.mutex_);
      if (const auto at = files_.synced_.find(path()); at != files_.synced_.end())
        at->second = bytes;
      return {};
    }
    [[nodiscard]] Result<std::uint64_t> size() const override { return real_->size(); }
    [[nodiscard]] int fd() const override { return real_->fd(); }
    [[nodiscard]] const std::string& path() const override { return real_->path(); }

   private:
    FaultyFiles& files_;
    std::unique_ptr<log::File> real_;
  };

  log::FileSystem& real_ = log::posix_file_system();
  std::mutex mutex_;  // guards synced_: files are written and synced on many threads
  std::map<std::string, std::uint64_t> synced_;  // bytes of each record file, by path
};

}  // namespace penstock::broker
