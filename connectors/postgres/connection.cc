#include "connectors/postgres/connection.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

namespace penstock::postgres {
namespace {

constexpr std::size_t kShownSqlMax = 300;
constexpr std::size_t kCopyPieceBytes = 256 * 1024;
constexpr std::chrono::milliseconds kQuickRefusal{1'000};
constexpr std::string_view kConnectTimeoutS =
    "5";  // poll() may connect, and has a deadline of 10 s

std::string trimmed(const char* text) {
  std::string out = text == nullptr ? "" : text;
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  return out;
}

/// libpq reads JDBC's form once "jdbc:" is gone, apart from parameters that only the Java driver
/// knows.
std::string libpq_form(std::string_view url) {
  constexpr std::string_view kJdbc = "jdbc:";
  if (!url.starts_with(kJdbc)) return std::string(url);
  url.remove_prefix(kJdbc.size());
  if (!url.starts_with("postgresql://")) {
    throw std::invalid_argument("connection.url: expected jdbc:postgresql://host:port/database");
  }
  std::string out(url);
  constexpr std::string_view kSchema = "currentSchema=";
  if (const std::size_t at = out.find(kSchema); at != std::string::npos) {
    out.replace(at, kSchema.size(), "options=-csearch_path%3D");
  }
  return out;
}

/// The SQLSTATE in "FATAL:  57P03: the database system is starting up", which is how libpq shows it
/// when it is verbose; the first word may be in another language. Empty when there is none: no
/// server answered.
std::string state_in(std::string_view message) {
  constexpr std::size_t kStateSize = 5;
  constexpr std::string_view kBefore = ":  ";
  for (std::size_t at = 0; (at = message.find(kBefore, at)) != std::string_view::npos;) {
    at += kBefore.size();
    const std::string_view state = message.substr(at, kStateSize);
    const bool plain = std::all_of(state.begin(), state.end(), [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
    });
    if (plain && state.size() == kStateSize && message.substr(at + kStateSize, 1) == ":")
      return std::string(state);
  }
  return {};
}

}  // namespace

bool Error::lost() const {
  return sqlstate.empty() || in_class("08") || is("57P01") || is("57P02") || is("57P03") ||
         is("53300");
}

bool Error::transient() const {
  return lost() || in_class("40") || in_class("53") || is("55P03") || is("57014");
}

Address::Address(std::string_view url, std::string_view user, std::string_view password) {
  if (url.find('\0') != std::string_view::npos || url.empty()) {
    throw std::invalid_argument(
        "connection.url: needs an address such as postgresql://localhost/flights");
  }
  char* why = nullptr;
  options_.reset(PQconninfoParse(libpq_form(url).c_str(), &why));
  if (why != nullptr) PQfreemem(why);  // it may repeat parts of the url
  if (options_ == nullptr) {
    throw std::invalid_argument(
        "connection.url: not a PostgreSQL address; use postgresql://host:port/database?parameters, "
        "key=value pairs, or jdbc:postgresql://host:port/database, with parameters that libpq "
        "knows");
  }
  if (!user.empty()) set("user", user);
  if (!password.empty()) set("password", password);
  if (get("connect_timeout").empty()) set("connect_timeout", kConnectTimeoutS);
  if (get("application_name").empty()) set("application_name", "penstock");
  set("client_encoding", "UTF8");
}

void Address::set(std::string_view key, std::string_view value) {
  for (PQconninfoOption* o = options_.get(); o->keyword != nullptr; ++o) {
    if (key != o->keyword) continue;
    std::free(o->val);  // PQconninfoFree() frees what is put here
    o->val = ::strndup(value.data(), value.size());
    if (o->val == nullptr) throw std::bad_alloc();
  }
}

std::string_view Address::get(std::string_view key) const {
  for (const PQconninfoOption* o = options_.get(); o->keyword != nullptr; ++o) {
    if (key == o->keyword && o->val != nullptr) return o->val;
  }
  return {};
}

std::string Address::shown() const {
  const auto or_else = [&](std::string_view key, std::string_view fallback) {
    const std::string_view value = get(key);
    return std::string(value.empty() ? fallback : value);
  };
  const std::string host = or_else("host", or_else("hostaddr", "the local socket"));
  return "PostgreSQL database " + or_else("dbname", "(default)") + " at " + host + ":" +
         or_else("port", "5432");
}

std::int64_t Result::integer(int row, int column) const {
  const std::string_view digits = text(row, column);
  std::int64_t out = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), out);
  return out;
}

std::int64_t Result::changed() const {
  const std::string_view digits = PQcmdTuples(get());
  std::int64_t out = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), out);
  return out;
}

Connection::Connection(const Address& address) : shown_(address.shown()) {
  std::vector<const char*> keys;
  std::vector<const char*> values;
  for (const PQconninfoOption* o = address.options_.get(); o->keyword != nullptr; ++o) {
    if (o->val == nullptr) continue;
    keys.push_back(o->keyword);
    values.push_back(o->val);
  }
  keys.push_back(nullptr);
  values.push_back(nullptr);
  const auto started = std::chrono::steady_clock::now();
  connection_.reset(PQconnectdbParams(keys.data(), values.data(), 0));
  if (connection_ == nullptr) throw std::bad_alloc();
  if (!good()) connect_again(std::chrono::steady_clock::now() - started);
  PQsetNoticeProcessor(
      handle(), [](void*, const char*) {}, nullptr);
  cancel_.reset(PQgetCancel(handle()));
  execute(
      "SET datestyle TO ISO; SET intervalstyle TO iso_8601; SET timezone TO 'UTC'; SET "
      "extra_float_digits TO 1; "
      "SET bytea_output TO hex; SET standard_conforming_strings TO on");
}

void Connection::connect_again(std::chrono::steady_clock::duration first_took) {
  const std::string text = shown_ + ": cannot connect: " + trimmed(PQerrorMessage(handle()));
  if (first_took > kQuickRefusal) throw Error("", text);
  PQsetErrorVerbosity(handle(), PQERRORS_VERBOSE);
  PQreset(handle());
  PQsetErrorVerbosity(handle(), PQERRORS_DEFAULT);
  if (!good()) throw Error(state_in(PQerrorMessage(handle())), text);
}

Result Connection::execute(const std::string& sql) {
  return check(PQexec(handle(), sql.c_str()), sql);
}

Result Connection::query(const std::string& sql, std::span<const std::string_view> parameters,
                         Format result) {
  std::vector<std::string> copies(parameters.begin(),
                                  parameters.end());  // libpq wants NUL-terminated text
  std::vector<const char*> values;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    values.push_back(parameters[i].data() == nullptr ? nullptr : copies[i].c_str());
  }
  return check(PQexecParams(handle(), sql.c_str(), static_cast<int>(values.size()), nullptr,
                            values.data(), nullptr, nullptr, static_cast<int>(result)),
               sql);
}

void Connection::prepare(const std::string& name, const std::string& sql,
                         std::span<const Oid> types) {
  check(
      PQprepare(handle(), name.c_str(), sql.c_str(), static_cast<int>(types.size()), types.data()),
      sql);
}

Result Connection::run(const std::string& name, std::span<const std::string_view> parameters,
                       Format result) {
  constexpr int kBinary = 1;
  std::vector<const char*> values;
  std::vector<int> lengths;
  const std::vector<int> formats(parameters.size(), kBinary);
  for (const std::string_view parameter : parameters) {
    if (parameter.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
      throw Error("54000", shown_ + ": a parameter is larger than 2 GiB");
    }
    values.push_back(parameter.data());
    lengths.push_back(static_cast<int>(parameter.size()));
  }
  return check(
      PQexecPrepared(handle(), name.c_str(), static_cast<int>(values.size()), values.data(),
                     lengths.data(), formats.data(), static_cast<int>(result)),
      name);
}

void Connection::cancel() noexcept {
  char why[256];
  if (cancel_ != nullptr) PQcancel(cancel_.get(), why, sizeof why);
}

Result Connection::check(PGresult* result, std::string_view sql) const {
  Result owned(result);
  const ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY)
    return owned;
  fail(result, sql);
}

void Connection::fail(const PGresult* result, std::string_view sql) const {
  const auto field = [&](int code) {
    return trimmed(result == nullptr ? nullptr : PQresultErrorField(result, code));
  };
  std::string state = good() ? field(PG_DIAG_SQLSTATE) : "";
  std::string message = field(PG_DIAG_MESSAGE_PRIMARY);
  if (message.empty()) message = trimmed(PQerrorMessage(handle()));
  if (message.empty()) message = "the connection was lost";
  std::string text = shown_ + ": " + message;
  for (const auto& [code, label] :
       {std::pair{PG_DIAG_MESSAGE_DETAIL, "; "}, std::pair{PG_DIAG_MESSAGE_HINT, "; hint: "},
        std::pair{PG_DIAG_CONTEXT, "; "}}) {
    if (const std::string more = field(code); !more.empty()) text += label + more;
  }
  if (!state.empty()) text += " (SQLSTATE " + state + ")";
  text += " in: " + std::string(sql.substr(0, kShownSqlMax));
  throw Error(std::move(state), text);
}

CopyIn::CopyIn(Connection& connection, const std::string& sql)
    : connection_(connection), sql_(sql) {
  PGresult* started = PQexec(connection.handle(), sql.c_str());
  if (PQresultStatus(started) != PGRES_COPY_IN) {
    connection.check(started, sql);
    throw Error("42601", connection.shown() + ": not a COPY FROM STDIN: " + sql);
  }
  PQclear(started);
}

CopyIn::~CopyIn() {
  if (open_) PQclear(end("the client gave up"));
}

void CopyIn::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, kCopyPieceBytes);
    if (PQputCopyData(connection_.handle(), piece.data(), static_cast<int>(piece.size())) != 1)
      connection_.fail(nullptr, sql_);
    bytes.remove_prefix(piece.size());
  }
}

std::int64_t CopyIn::finish() { return connection_.check(end(nullptr), sql_).changed(); }

PGresult* CopyIn::end(const char* why_not) {
  open_ = false;
  if (PQputCopyEnd(connection_.handle(), why_not) != 1) return nullptr;
  PGresult* first = PQgetResult(connection_.handle());
  while (PGresult* more = PQgetResult(connection_.handle())) PQclear(more);
  return first;
}

}  // namespace penstock::postgres
