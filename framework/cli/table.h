#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace penstock::cli {

/// Columns of text for a terminal: widths fitted, numbers right-aligned where `right` says so.
class Table {
 public:
  struct Column {
    std::string title;
    bool right = false;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool empty() const { return rows_.empty(); }

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// 1234567 -> "1,234,567".
std::string with_commas(std::int64_t number);

}  // namespace penstock::cli
