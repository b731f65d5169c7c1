#pragma once
// RAII over SQLite. A connection and its statements belong to one thread, except interrupt().

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace penstock::sqlite {

/// `code` is SQLite's extended result code; the text names the file, the statement and SQLite's own
/// message.
struct Error : std::runtime_error {
  Error(int result, const std::string& text) : std::runtime_error(text), code(result) {}
  /// SQLITE_BUSY, SQLITE_LOCKED and the like: another process holds the database; the same call may
  /// work later.
  [[nodiscard]] bool busy() const {
    const int primary = code & 0xff;
    return primary == SQLITE_BUSY || primary == SQLITE_LOCKED || primary == SQLITE_PROTOCOL;
  }
  [[nodiscard]] bool constraint() const { return (code & 0xff) == SQLITE_CONSTRAINT; }
  int code;
};

/// The path in `url`, which is a path or jdbc:sqlite:PATH. Throws std::invalid_argument for file:
/// URIs, for :memory: and for an empty path: a connector works on a file.
std::string path_of(std::string_view url);

enum class Access { kRead, kWrite, kCreate };

class Statement;

class Connection {
 public:
  /// Opens `path`; kRead and kWrite never create it. A missing file is an Error with
  /// SQLITE_CANTOPEN whose text says so. ATTACH and load_extension are off. A lock is waited for
  /// `busy_timeout_ms`, then it is an Error.
  Connection(const std::string& path, Access access, int busy_timeout_ms);

  [[nodiscard]] Statement prepare(std::string_view sql);
  /// Runs statements that return no rows.
  void execute(const std::string& sql);
  /// First column of the first row; 0 when there is no row.
  [[nodiscard]] std::int64_t number(std::string_view sql);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] sqlite3* handle() const { return db_.get(); }
  [[nodiscard]] std::int64_t changes() const { return sqlite3_changes64(db_.get()); }
  [[nodiscard]] bool in_transaction() const { return sqlite3_get_autocommit(db_.get()) == 0; }
  /// Any thread, while the connection exists: the running statement fails with SQLITE_INTERRUPT.
  void interrupt() noexcept { sqlite3_interrupt(db_.get()); }

  [[noreturn]] void fail(int code, std::string_view sql) const;

 private:
  struct Close {
    void operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }
  };
  std::string path_;
  std::unique_ptr<sqlite3, Close> db_;
};

/// A prepared statement. Parameters count from 1, columns from 0. The connection outlives it.
class Statement {
 public:
  Statement() = default;
  Statement(const Connection& connection, std::string_view sql);

  void bind_null(int parameter) { check(sqlite3_bind_null(get(), parameter)); }
  void bind(int parameter, std::int64_t value) {
    check(sqlite3_bind_int64(get(), parameter, value));
  }
  void bind(int parameter, double value) { check(sqlite3_bind_double(get(), parameter, value)); }
  /// Not copied: the bytes must live until the statement was stepped to its end, reset or bound
  /// anew.
  void bind_text(int parameter, std::string_view value) {
    check(sqlite3_bind_text64(get(), parameter, data(value), value.size(), SQLITE_STATIC,
                              SQLITE_UTF8));
  }
  void bind_blob(int parameter, std::string_view value) {
    check(sqlite3_bind_blob64(get(), parameter, data(value), value.size(), SQLITE_STATIC));
  }

  /// True: a row is there; its text and blobs die with the next step(), reset() or conversion.
  bool step() {
    const int code = sqlite3_step(get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    stopped(code);
  }
  /// Steps to the end and resets.
  void run();
  /// Ends the read transaction that an unfinished step() holds. Bindings stay.
  void reset() noexcept { sqlite3_reset(get()); }

  [[nodiscard]] std::int64_t integer(int column) const {
    return sqlite3_column_int64(get(), column);
  }
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] bool is_null(int column) const {
    return sqlite3_column_type(get(), column) == SQLITE_NULL;
  }
  [[nodiscard]] int columns() const { return sqlite3_column_count(get()); }
  [[nodiscard]] sqlite3_stmt* get() const { return statement_.get(); }
  explicit operator bool() const { return statement_ != nullptr; }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
  };
  static const char* data(std::string_view value) {
    return value.data() == nullptr ? "" : value.data();
  }
  void check(int code) const {
    if (code != SQLITE_OK) stopped(code);
  }
  [[noreturn]] void stopped(int code) const;

  const Connection* connection_ = nullptr;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

}  // namespace penstock::sqlite
