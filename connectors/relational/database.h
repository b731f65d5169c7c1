#pragma once
// The dialect interface: what polling needs to know of a database. One connection, one thread.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "connectors/relational/identifiers.h"
#include "penstock/plugin.h"

namespace penstock::relational {

/// A column of a table, a view or a query.
struct Column {
  std::string name;
  std::string type;          // as the database names it
  int kind = 0;              // the dialect's own plan for reading it
  std::uint32_t detail = 0;  // the dialect's own
  int precision = 0, scale = 0;
  bool nullable = true;
  bool auto_increment = false;
  bool integer = false;   // may be the incrementing column
  bool temporal = false;  // may be a timestamp column
  int key_position = 0;   // in the primary key, from 1; 0: not part of it
  friend bool operator==(const Column&, const Column&) = default;
};

struct Table {
  TableId id;
  std::vector<Column> columns;  // empty: there is no such table
  std::string row_number;       // name of a hidden integer row number that may be the incrementing
                                // column; "" for none
  bool row_locks = false;       // writers hold a lock on this very relation (not so for views)
  friend bool operator==(const Table&, const Table&) = default;
};

/// What is wrong with a value that could not be read; the row itself is complete, with null in its
/// place.
struct BadValue {
  std::size_t column = 0;
  std::string text;
};

/// Rows of one running statement. step() and open() throw RetriableError when the database is not
/// there or busy.
class Cursor {
 public:
  virtual ~Cursor() = default;
  /// Before the first step(): false when at `until` the database was still searching for the first
  /// row.
  virtual bool wait(std::chrono::steady_clock::time_point until) {
    static_cast<void>(until);
    return true;
  }
  virtual bool step() = 0;
  /// Writes one value for each column; their bytes go to `block`. False: see problem().
  virtual bool read(Block& block, std::span<Value> row) = 0;
  [[nodiscard]] virtual const BadValue& problem() const = 0;
  /// Of the row that step() reached, by position in the select list. Throws when it is no whole
  /// number.
  [[nodiscard]] virtual std::int64_t integer(int column) const = 0;
  /// Microseconds since 1970-01-01 UTC of a column that Database::time() selected.
  [[nodiscard]] virtual std::int64_t time(int column) const = 0;
};

/// An SQL expression for a point in time: how it is compared, and how it is selected to be read by
/// Cursor::time().
struct TimeExpression {
  std::string compared;
  std::string selected;
  std::int64_t unit = 1;  // microseconds in one unit of what is compared, where that is a number
};

/// The largest value of an incrementing column below which no row can appear any more.
struct SettledBound {
  enum Kind : std::uint8_t { kNoBound, kUpTo, kWait } kind = kNoBound;
  std::int64_t value = 0;
};

class Database {
 public:
  virtual ~Database() = default;
  /// Tables and, when asked for, views; sorted.
  virtual std::vector<TableId> tables() = 0;
  virtual Table table(const TableId& id) = 0;
  virtual Table query(const std::string& sql) = 0;
  virtual const Schema* schema(const Column& column, Context& context) = 0;
  /// How a column appears in the select list.
  virtual std::string selected(const Column& column) = 0;
  /// The first of `columns` that is not null.
  virtual TimeExpression time(std::span<const Column* const> columns) = 0;
  virtual std::string time_literal(const TimeExpression& expression, std::int64_t micros) = 0;
  /// The database's clock, microseconds since 1970-01-01 UTC.
  virtual std::int64_t now() = 0;
  virtual SettledBound settled(const Table& table, const std::string& column) {
    static_cast<void>(table), static_cast<void>(column);
    return {};
  }
  /// `columns` are the first of the select list of `sql`, in order. One cursor is open at a time.
  virtual std::unique_ptr<Cursor> open(const std::string& sql, std::span<const Column> columns) = 0;
  /// How long a statement may stay open while there is more to read, because it holds up others; 0:
  /// as long as it takes.
  [[nodiscard]] virtual std::int64_t hold_ms_max() const { return 0; }
  /// Any thread: make a blocked call return soon with an exception.
  virtual void interrupt() noexcept {}
};

}  // namespace penstock::relational
