#include "broker/sync_watch.h"

namespace penstock::broker {

namespace {

class WatchedFile final : public log::File {
 public:
  WatchedFile(std::unique_ptr<log::File> inner, const SyncWatch::OnFailure& on_failure)
      : inner_(std::move(inner)), on_failure_(on_failure) {}

  Result<std::size_t> read_at(std::uint64_t position, ByteSpan into) const override {
    return inner_->read_at(position, into);
  }
  Status write_at(std::uint64_t position, ByteView from) override {
    return inner_->write_at(position, from);
  }
  Status truncate(std::uint64_t size) override { return inner_->truncate(size); }
  Status reserve(std::uint64_t size) override { return inner_->reserve(size); }
  Status sync() override {
    Status synced = inner_->sync();
    if (!synced) on_failure_(synced.error());
    return synced;
  }
  [[nodiscard]] Result<std::uint64_t> size() const override { return inner_->size(); }
  [[nodiscard]] int fd() const override { return inner_->fd(); }
  [[nodiscard]] const std::string& path() const override { return inner_->path(); }

 private:
  std::unique_ptr<log::File> inner_;
  const SyncWatch::OnFailure& on_failure_;
};

}  // namespace

SyncWatch::SyncWatch(log::FileSystem& inner, OnFailure on_failure)
    : inner_(inner), on_failure_(std::move(on_failure)) {}

Result<std::unique_ptr<log::File>> SyncWatch::open(const std::string& path, log::OpenMode mode) {
  PENSTOCK_ASSIGN_OR_RETURN(auto file, inner_.open(path, mode));
  return std::make_unique<WatchedFile>(std::move(file), on_failure_);
}

Status SyncWatch::sync_directory(const std::string& path) {
  Status synced = inner_.sync_directory(path);
  // A directory that is gone belonged to a topic that was deleted meanwhile: nothing of it has to
  // last.
  if (!synced && synced.error().code != Errc::kNotFound) on_failure_(synced.error());
  return synced;
}

}  // namespace penstock::broker
