#include "connectors/sqlite/connection.h"

#include <sys/stat.h>

#include <cerrno>
#include <system_error>

namespace penstock::sqlite {
namespace {

constexpr std::size_t kShownSqlMax = 300;

std::string shown(std::string_view sql) {
  if (sql.size() <= kShownSqlMax) return std::string(sql);
  return std::string(sql.substr(0, kShownSqlMax)) + "...";
}

/// SQLite says only "unable to open database file"; this says which file and why.
void require_file(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    const int why = errno;
    throw Error(SQLITE_CANTOPEN, "database " + path + ": " +
                                     (why == ENOENT ? std::string("the file does not exist")
                                                    : std::generic_category().message(why)));
  }
  if (!S_ISREG(info.st_mode))
    throw Error(SQLITE_CANTOPEN, "database " + path + ": not a regular file");
}

}  // namespace

std::string path_of(std::string_view url) {
  constexpr std::string_view kJdbc = "jdbc:sqlite:";
  if (url.starts_with(kJdbc)) url.remove_prefix(kJdbc.size());
  if (url.starts_with("file:")) {
    throw std::invalid_argument("connection.url: file: URIs are not accepted, give the path");
  }
  if (url.empty() || url.starts_with(":memory:")) {
    throw std::invalid_argument("connection.url: needs the path of a database file");
  }
  if (url.find('\0') != std::string_view::npos) {
    throw std::invalid_argument("connection.url: a path must not hold a NUL byte");
  }
  return std::string(url);
}

Connection::Connection(const std::string& path, Access access, int busy_timeout_ms) : path_(path) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (access == Access::kRead) flags |= SQLITE_OPEN_READONLY;
  if (access != Access::kRead) flags |= SQLITE_OPEN_READWRITE;
  if (access == Access::kCreate) flags |= SQLITE_OPEN_CREATE;
  if (access != Access::kCreate) require_file(path);
  sqlite3* db = nullptr;
  // A relative path gets "./", so that no name is special to SQLite.
  const std::string plain = path.starts_with('/') ? path : "./" + path;
  const int code = sqlite3_open_v2(plain.c_str(), &db, flags, nullptr);
  db_.reset(db);
  if (code != SQLITE_OK) fail(code, "open");
  sqlite3_busy_timeout(db, busy_timeout_ms);
  sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  // A double-quoted name that does not exist must be an error, not a text.
  sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
}

Statement Connection::prepare(std::string_view sql) { return Statement(*this, sql); }

void Connection::execute(const std::string& sql) {
  const int code = sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code, sql);
}

std::int64_t Connection::number(std::string_view sql) {
  Statement statement = prepare(sql);
  return statement.step() ? statement.integer(0) : 0;
}

void Connection::fail(int code, std::string_view sql) const {
  // A table-valued pragma that was interrupted fails with SQLITE_ERROR and the text of the code.
  if (db_ != nullptr && code == SQLITE_ERROR &&
      std::string_view(sqlite3_errmsg(db_.get())) == sqlite3_errstr(SQLITE_INTERRUPT))
    code = SQLITE_INTERRUPT;
  std::string text = "database " + path_ + ": ";
  text += db_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(db_.get());
  text += " (" + std::string(sqlite3_errstr(code)) + ", code " + std::to_string(code) +
          ") in: " + shown(sql);
  throw Error(code, text);
}

Statement::Statement(const Connection& connection, std::string_view sql)
    : connection_(&connection) {
  sqlite3_stmt* statement = nullptr;
  const char* rest = nullptr;
  const int code = sqlite3_prepare_v3(connection.handle(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, &rest);
  statement_.reset(statement);
  if (code != SQLITE_OK) connection.fail(code, sql);
  if (statement == nullptr)
    throw Error(SQLITE_ERROR, "database " + connection.path() + ": empty statement");
}

void Statement::run() {
  while (step()) {
  }
  reset();
}

std::string_view Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(get(), column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(get(), column))};
}

void Statement::stopped(int code) const {
  const char* sql = sqlite3_sql(get());
  try {
    connection_->fail(code, sql == nullptr ? "" : sql);
  } catch (const Error&) {
    sqlite3_reset(get());
    throw;
  }
}

}  // namespace penstock::sqlite
