#pragma once
// Rows of one statement, fetched in portions through a cursor of the server; the next portion is
// under way while one is read.

#include <span>
#include <string>
#include <vector>

#include "connectors/postgres/connection.h"
#include "connectors/relational/config.h"
#include "connectors/relational/database.h"

namespace penstock::postgres {

/// What makes sense to try again becomes a RetriableError, also by reconnecting.
[[noreturn]] void rethrow(const Error& error);

class Rows final : public relational::Cursor {
 public:
  /// Begins a transaction and sends for the first portion. `connection` must be idle, and outlives
  /// this. Portions have at most `fetch_rows` rows, and fewer where rows are so large that they
  /// would not fit kPortionBytes.
  Rows(Connection& connection, const std::string& sql, std::span<const relational::Column> columns,
       relational::Granularity granularity, std::size_t fetch_rows);
  /// Ends the transaction; a statement that still runs is cancelled.
  ~Rows() override;
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  bool wait(std::chrono::steady_clock::time_point until) override;
  bool step() override;
  bool read(Block& block, std::span<Value> row) override;
  [[nodiscard]] const relational::BadValue& problem() const override { return problem_; }
  [[nodiscard]] std::int64_t integer(int column) const override;
  [[nodiscard]] std::int64_t time(int column) const override;

 private:
  static constexpr std::size_t kPortionBytes = 8 * 1024 * 1024;  // two portions are held at most
  static constexpr int kFirstRows = 100;                         // until the size of rows is known

  void send(int rows);
  void receive();

  Connection& connection_;
  std::vector<relational::Column> columns_;
  relational::Granularity granularity_;
  int rows_max_;
  int asked_;  // rows of the portion under way
  std::string fetch_;
  Result portion_{nullptr};
  int row_ = -1, rows_ = 0;
  bool under_way_ = false;
  std::string why_;
  relational::BadValue problem_;
};

}  // namespace penstock::postgres
