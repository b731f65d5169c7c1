#include "broker/metadata/metadata_store.h"

#include <sqlite3.h>

namespace penstock::broker {

namespace {
// Told apart from other people's SQLite files ("PnSk"); the user version counts layouts.
constexpr int kApplicationId = 0x506E536B;
constexpr int kLayout = 1;

Errc errc_of(int code) {
  switch (code & 0xFF) {
    case SQLITE_FULL:
      return Errc::kStorageFull;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Errc::kCorrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Errc::kBusy;
    default:
      return Errc::kIo;
  }
}
}  // namespace

class MetadataStore::Statement {
 public:
  Statement(MetadataStore& store, const char* sql) : store_(store) {
    if (sqlite3_prepare_v2(store.db_, sql, -1, &statement_, nullptr) != SQLITE_OK)
      statement_ = nullptr;
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void bind(int at, std::string_view text) {
    if (statement_ != nullptr)
      sqlite3_bind_text64(statement_, at, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  }
  void bind(int at, std::int64_t number) {
    if (statement_ != nullptr) sqlite3_bind_int64(statement_, at, number);
  }
  /// True while there is a row.
  Result<bool> step() {
    const int code = statement_ != nullptr ? sqlite3_step(statement_) : SQLITE_ERROR;
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return store_.failure("query");
  }
  [[nodiscard]] std::string text(int column) {
    const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return data == nullptr
               ? ""
               : std::string(data,
                             static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
  }
  [[nodiscard]] std::int64_t number(int column) { return sqlite3_column_int64(statement_, column); }

 private:
  MetadataStore& store_;
  sqlite3_stmt* statement_ = nullptr;
};

tl::unexpected<Error> MetadataStore::failure(std::string_view what) {
  const int code = sqlite3_extended_errcode(db_);
  if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC) sync_failed_ = true;
  return fail(errc_of(code), path_ + ": " + std::string(what) + ": " + sqlite3_errmsg(db_));
}

Status MetadataStore::execute(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return failure(sql);
  return {};
}

Result<std::unique_ptr<MetadataStore>> MetadataStore::open(const std::string& path) {
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(
      path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<MetadataStore> store(new MetadataStore(db, path));
  if (code != SQLITE_OK) return store->failure("cannot be opened");
  PENSTOCK_RETURN_IF_ERROR(store->prepare_tables());
  return store;
}

MetadataStore::~MetadataStore() { sqlite3_close(db_); }

Status MetadataStore::prepare_tables() {
  std::int64_t application = 0;
  std::int64_t layout = 0;
  {
    Statement query(*this,
                    "SELECT a.application_id, u.user_version FROM pragma_application_id AS a, "
                    "pragma_user_version AS u");
    PENSTOCK_ASSIGN_OR_RETURN(const bool row, query.step());
    if (row) {
      application = query.number(0);
      layout = query.number(1);
    }
  }
  const bool is_new = application == 0 && layout == 0;
  if (!is_new && (application != kApplicationId || layout != kLayout)) {
    return fail(Errc::kCorrupt, path_ + ": not a metadata store of this broker (application id " +
                                    std::to_string(application) + ", layout " +
                                    std::to_string(layout) + ")");
  }
  // FULL: the write-ahead log is synced on each commit, so an acknowledged change survives a power
  // cut.
  PENSTOCK_RETURN_IF_ERROR(
      execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=2000"));
  if (!is_new) return {};
  return execute(
      "BEGIN IMMEDIATE;"
      "CREATE TABLE kv(key TEXT PRIMARY KEY, value TEXT NOT NULL, revision INTEGER NOT NULL) "
      "WITHOUT ROWID;"
      "CREATE TABLE last_revision(revision INTEGER NOT NULL);"
      "INSERT INTO last_revision VALUES(0);"
      "PRAGMA application_id=1349407595; PRAGMA user_version=1;"
      "COMMIT");
}
static_assert(kApplicationId == 1349407595 && kLayout == 1);

Result<std::optional<MetadataStore::Entry>> MetadataStore::get(std::string_view key) {
  Statement query(*this, "SELECT value, revision FROM kv WHERE key=?1");
  query.bind(1, key);
  PENSTOCK_ASSIGN_OR_RETURN(const bool row, query.step());
  if (!row) return std::nullopt;
  return Entry{query.text(0), query.number(1)};
}

Result<std::vector<std::pair<std::string, MetadataStore::Entry>>> MetadataStore::range(
    std::string_view prefix) {
  std::vector<std::pair<std::string, Entry>> out;
  Statement query(*this, "SELECT key, value, revision FROM kv WHERE key>=?1 ORDER BY key");
  query.bind(1, prefix);
  for (;;) {
    PENSTOCK_ASSIGN_OR_RETURN(const bool row, query.step());
    if (!row) return out;
    std::string key = query.text(0);
    if (!key.starts_with(prefix)) return out;
    out.emplace_back(std::move(key), Entry{query.text(1), query.number(2)});
  }
}

Result<std::int64_t> MetadataStore::revision_of(std::string_view key) {
  PENSTOCK_ASSIGN_OR_RETURN(const std::optional<Entry> entry, get(key));
  return entry ? entry->revision : 0;
}

Result<std::int64_t> MetadataStore::last_revision() {
  Statement query(*this, "SELECT revision FROM last_revision");
  PENSTOCK_ASSIGN_OR_RETURN(const bool row, query.step());
  if (!row) return fail(Errc::kCorrupt, path_ + ": the table of revisions is empty");
  return query.number(0);
}

Result<bool> MetadataStore::ever_committed() {
  PENSTOCK_ASSIGN_OR_RETURN(const std::int64_t last, last_revision());
  return last > 0;
}

Status MetadataStore::write_all(std::span<const Write> writes, std::int64_t revision) {
  for (const Write& write : writes) {
    if (write.expected) {
      PENSTOCK_ASSIGN_OR_RETURN(const std::int64_t now, revision_of(write.key));
      if (now != *write.expected) {
        return fail(Errc::kConflict, write.key + " has revision " + std::to_string(now) + ", not " +
                                         std::to_string(*write.expected));
      }
    }
    Statement change(
        *this,
        write.value
            ? "INSERT INTO kv VALUES(?1,?2,?3) ON CONFLICT(key) DO UPDATE SET value=?2, revision=?3"
            : "DELETE FROM kv WHERE key=?1");
    change.bind(1, write.key);
    if (write.value) {
      change.bind(2, std::string_view(*write.value));
      change.bind(3, revision);
    }
    PENSTOCK_RETURN_IF_ERROR(change.step());
  }
  Statement count(*this, "UPDATE last_revision SET revision=?1");
  count.bind(1, revision);
  PENSTOCK_RETURN_IF_ERROR(count.step());
  return {};
}

Result<std::int64_t> MetadataStore::commit(std::span<const Write> writes) {
  PENSTOCK_RETURN_IF_ERROR(execute("BEGIN IMMEDIATE"));
  const auto give_up = [this](Error why) -> tl::unexpected<Error> {
    // After some errors SQLite has rolled back by itself.
    if (sqlite3_get_autocommit(db_) == 0) sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
    return tl::make_unexpected(std::move(why));
  };
  const auto last = last_revision();
  if (!last) return give_up(last.error());
  const std::int64_t revision = *last + 1;
  if (auto written = write_all(writes, revision); !written)
    return give_up(std::move(written).error());
  if (auto done = execute("COMMIT"); !done) return give_up(std::move(done).error());
  return revision;
}

}  // namespace penstock::broker
