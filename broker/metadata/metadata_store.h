#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "framework/base/error.h"

struct sqlite3;

namespace penstock::broker {

/// What the broker must not forget besides records: small values by key, each with a revision,
/// changed all or nothing. Kept in one SQLite table; the three calls are those of etcd, which takes
/// its place when there are several brokers. One thread at a time (the control thread); calls block
/// on the disk. What commit() acknowledged survives a power cut.
class MetadataStore {
 public:
  struct Entry {
    std::string value;  // JSON
    std::int64_t revision = 0;
  };
  /// `expected`: the revision that the key must have now, 0 for none at all, nullopt for whatever.
  struct Write {
    std::string key;
    std::optional<std::string> value;  // nullopt: remove
    std::optional<std::int64_t> expected;
  };

  /// Opens or creates the file. kCorrupt when it is not such a store, kIo, kStorageFull.
  static Result<std::unique_ptr<MetadataStore>> open(const std::string& path);
  ~MetadataStore();
  MetadataStore(const MetadataStore&) = delete;
  MetadataStore& operator=(const MetadataStore&) = delete;

  Result<std::optional<Entry>> get(std::string_view key);
  /// Keys that begin with `prefix`, in order.
  Result<std::vector<std::pair<std::string, Entry>>> range(std::string_view prefix);
  /// Compare and set: all writes or none, durable on return. Gives the new revision. kConflict
  /// names the key that had another one.
  Result<std::int64_t> commit(std::span<const Write> writes);
  /// That of the last commit; 0 before the first.
  Result<std::int64_t> last_revision();
  Result<bool> ever_committed();
  /// Whether a call failed because the disk did not take what was written: final.
  [[nodiscard]] bool sync_failed() const { return sync_failed_; }

 private:
  class Statement;
  explicit MetadataStore(sqlite3* db, std::string path) : db_(db), path_(std::move(path)) {}
  Status prepare_tables();
  Result<std::int64_t> revision_of(std::string_view key);
  Status write_all(std::span<const Write> writes, std::int64_t revision);
  Status execute(const char* sql);
  [[nodiscard]] tl::unexpected<Error> failure(std::string_view what);

  sqlite3* db_;
  std::string path_;
  bool sync_failed_ = false;
};

}  // namespace penstock::broker
