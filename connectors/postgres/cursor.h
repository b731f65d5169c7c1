#pragma once
// Rows of one statement, fetched in portions through a cursor of the server; the next portion is under way while one is read.

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
  /// Begins a transaction and sends for the first portion. `connection` must be idle, and outlives this.
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
  void send();
  void receive();

  Connection& connection_;
  std::vector<relational::Column> columns_;
  relational::Granularity granularity_;
  std::string fetch_;
  Result portion_{nullptr};
  int row_ = -1, rows_ = 0;
  int portion_max_;
  bool under_way_ = false;
  std::string why_;
  relational::BadValue problem_;
};

}  // namespace penstock::postgres
