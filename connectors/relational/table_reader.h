#pragma once
// Reads one table, or one query, round by round, and fills records.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/relational/config.h"
#include "connectors/relational/database.h"

namespace penstock::relational {

using Clock = std::chrono::steady_clock;

class TableReader {
 public:
  /// Registers the source partition and takes over the stored offset, also one stored by older
  /// versions of the JDBC source. An empty `table.name` stands for PollingConfig::query. `config`
  /// and `context` outlive this.
  TableReader(const TableId& table, const PollingConfig& config, SourceContext& context);

  /// Adds rows to `out` until it is full, has `rows_max` records, or `until` has passed. True when
  /// the round is over: all rows that were there are read. Throws RecordError for a row that cannot
  /// be sent, once it is past it.
  bool fill(Database& database, Block& out, Clock::time_point until);
  /// Forgets the open statement; the next fill() goes on behind the last row (bulk: starts again).
  void disconnect();
  /// Ends the statement where it can be resumed exactly, because nobody reads now.
  void rest();

  [[nodiscard]] bool due(Clock::time_point now) const { return now >= due_; }
  [[nodiscard]] bool running() const { return cursor_ != nullptr; }
  /// Rows may be there that cannot be read yet: a transaction writes the table
  /// (Database::settled()), or they were there at the start and are of the second that
  /// Database::now() leaves out.
  [[nodiscard]] bool waits() const { return unsettled_ || (young_rows_ && first_now_); }
  [[nodiscard]] const TableId& table() const { return id_; }
  /// The last round found no such table.
  [[nodiscard]] bool missing() const { return missing_; }

 private:
  bool open(Database& database);
  bool end_round(Database& database);  // true
  bool first_row(Clock::time_point until);
  void look_for_young_rows(Database& database);
  void plan(Database& database, Table table);
  void plan_positions(Database& database);
  void plan_keys();
  void load_position();
  Range range(Database& database, bool& wait);
  void close();
  void add_record(Block& out, std::string_view topic);
  void place(Record& record, std::span<Value> fields);
  void group_ended(Block& out);
  [[noreturn]] void refuse(Block& out);
  std::string describe_key(const Record& record) const;

  TableId id_;
  const PollingConfig& config_;
  SourceContext& context_;
  std::string topic_;
  std::uint32_t partition_ = SourceOffset::kNone;
  std::size_t offset_size_ = 0;

  Table table_;  // as last described
  SelectParts parts_;
  const Schema* value_schema_ = nullptr;
  const Schema* key_schema_ = nullptr;
  std::vector<std::size_t> key_columns_;
  int id_at_ = -1, time_at_ = -1;  // in the select list

  std::unique_ptr<Cursor> cursor_;
  bool started_ = false;  // the first step() was made
  bool on_row_ = false;   // the cursor stands on a row that was not handed over
  Position done_;         // the next statement starts behind this
  std::optional<std::int64_t>
      group_;  // mode timestamp: handed over, but perhaps not all rows of this time
  Clock::time_point opened_{}, due_{};
  Clock::duration open_cost_{};
  bool missing_ = false;
  std::optional<std::int64_t>
      first_now_;              // timestamp modes: the database's clock when the task began
  std::int64_t time_end_ = 0;  // of the last round
  bool unsettled_ = false;
  bool young_rows_ = true;  // until a round has read all that was there at the start
};

}  // namespace penstock::relational
