#include "framework/cli/table.h"

#include <algorithm>

namespace penstock::cli {

namespace {
// Bytes that continue a UTF-8 character take no column.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}
}  // namespace

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) widths.push_back(width_of(column.title));
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i)
      widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string out;
  const auto line = [&](const auto& cell) {
    std::string text;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string value = cell(i);
      const std::string pad(widths[i] - width_of(value), ' ');
      if (i != 0) text += "  ";
      text += columns_[i].right ? pad + value : value + pad;
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  };
  line([&](std::size_t i) { return columns_[i].title; });
  for (const auto& row : rows_)
    line([&](std::size_t i) { return i < row.size() ? row[i] : std::string(); });
  return out;
}

std::string with_commas(std::int64_t number) {
  const bool negative = number < 0;
  std::string digits = std::to_string(negative ? -number : number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return negative ? "-" + digits : digits;
}

}  // namespace penstock::cli
