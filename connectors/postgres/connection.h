#pragma once
// RAII over libpq. A connection and its results belong to one thread, except cancel().

#include <libpq-fe.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace penstock::postgres {

/// `sqlstate` has five characters, or none when the server did not answer. The text holds the
/// server's message, detail, hint and place, and never the password.
struct Error : std::runtime_error {
  Error(std::string state, const std::string& text)
      : runtime_error(text), sqlstate(std::move(state)) {}
  [[nodiscard]] bool is(std::string_view state) const { return sqlstate == state; }
  [[nodiscard]] bool in_class(std::string_view two) const {
    return std::string_view(sqlstate).starts_with(two);
  }
  /// The connection is gone, or the server is starting, stopping or has no slot left.
  [[nodiscard]] bool lost() const;
  /// The same statements may work later: lost connection, serialization failure, deadlock, lock not
  /// available, cancelled, out of disk or memory.
  [[nodiscard]] bool transient() const;
  /// transient(), and the server itself said so.
  [[nodiscard]] bool busy() const { return !sqlstate.empty() && transient(); }
  /// A value or row is the cause: data exceptions and violated constraints.
  [[nodiscard]] bool data() const { return in_class("22") || in_class("23"); }
  std::string sqlstate;
};

/// How to connect; made once from the settings.
class Address {
 public:
  /// `url` is a libpq URI, libpq's key=value text, or
  /// jdbc:postgresql://host:port/database?parameters. `user` and `password` win over those in `url`
  /// unless they are empty. Throws std::invalid_argument; its text repeats nothing of `url`, which
  /// may hold a password.
  Address(std::string_view url, std::string_view user, std::string_view password);
  /// "database flights at localhost:5432": for messages.
  [[nodiscard]] std::string shown() const;

 private:
  friend class Connection;
  struct Free {
    void operator()(PQconninfoOption* options) const noexcept { PQconninfoFree(options); }
  };
  void set(std::string_view key, std::string_view value);
  [[nodiscard]] std::string_view get(std::string_view key) const;
  std::unique_ptr<PQconninfoOption, Free> options_;
};

/// Rows count from 0, columns from 0.
class Result {
 public:
  explicit Result(PGresult* result) : result_(result) {}
  [[nodiscard]] int rows() const { return PQntuples(get()); }
  [[nodiscard]] int columns() const { return PQnfields(get()); }
  [[nodiscard]] bool is_null(int row, int column) const {
    return PQgetisnull(get(), row, column) != 0;
  }
  /// The bytes as the server sent them, in the result's format.
  [[nodiscard]] std::string_view text(int row, int column) const {
    return {PQgetvalue(get(), row, column),
            static_cast<std::size_t>(PQgetlength(get(), row, column))};
  }
  /// Text format only.
  [[nodiscard]] std::int64_t integer(int row, int column) const;
  [[nodiscard]] bool flag(int row, int column) const { return text(row, column) == "t"; }
  /// Rows that the command changed.
  [[nodiscard]] std::int64_t changed() const;
  [[nodiscard]] PGresult* get() const { return result_.get(); }

 private:
  struct Clear {
    void operator()(PGresult* result) const noexcept { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

enum class Format : int { kText = 0, kBinary = 1 };

class Connection {
 public:
  /// Connects (5 s unless connect_timeout is set) with UTF-8, ISO dates and time zone UTC. A quick
  /// refusal is asked for a second time, because libpq keeps its SQLSTATE to itself otherwise.
  explicit Connection(const Address& address);

  /// One or more statements without parameters; the result is the last one's.
  Result execute(const std::string& sql);
  /// One statement with parameters as text.
  Result query(const std::string& sql, std::span<const std::string_view> parameters,
               Format result = Format::kText);
  void prepare(const std::string& name, const std::string& sql, std::span<const Oid> types);
  /// Parameters in binary format; a view without data is NULL.
  Result run(const std::string& name, std::span<const std::string_view> parameters,
             Format result = Format::kText);
  [[nodiscard]] PGconn* handle() const { return connection_.get(); }
  [[nodiscard]] bool in_transaction() const {
    return PQtransactionStatus(handle()) != PQTRANS_IDLE;
  }
  [[nodiscard]] bool good() const { return PQstatus(handle()) == CONNECTION_OK; }
  [[nodiscard]] const std::string& shown() const { return shown_; }
  /// Any thread, while the connection exists: the running statement fails with 57014.
  void cancel() noexcept;

  /// Takes `result`; throws Error unless it is a success. `sql` is shown in the text.
  Result check(PGresult* result, std::string_view sql) const;
  [[noreturn]] void fail(const PGresult* result, std::string_view sql) const;
  void connect_again(std::chrono::steady_clock::duration first_took);

 private:
  struct Finish {
    void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
  };
  struct FreeCancel {
    void operator()(PGcancel* cancel) const noexcept { PQfreeCancel(cancel); }
  };
  std::string shown_;
  std::unique_ptr<PGconn, Finish> connection_;
  std::unique_ptr<PGcancel, FreeCancel> cancel_;
};

/// COPY ... FROM STDIN under way: the server stores what was sent while the caller makes the rest.
/// Nothing else may run on the connection meanwhile.
class CopyIn {
 public:
  CopyIn(Connection& connection, const std::string& sql);
  /// Without finish() the server is told to store nothing; a transaction around it has failed then.
  ~CopyIn();
  CopyIn(const CopyIn&) = delete;
  CopyIn& operator=(const CopyIn&) = delete;

  void send(std::string_view bytes);
  /// Returns the rows stored.
  std::int64_t finish();

 private:
  /// The result of the COPY; the connection is free afterwards.
  PGresult* end(const char* why_not);

  Connection& connection_;
  const std::string& sql_;
  bool open_ = true;
};

}  // namespace penstock::postgres
