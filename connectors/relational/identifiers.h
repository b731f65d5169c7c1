#pragma once
// Names of tables and columns: quoting, qualified names, and which tables a connector takes.

#include <regex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::relational {

/// `name` as a quoted identifier: "a""b". Throws std::invalid_argument when it is empty or holds a
/// NUL byte.
std::string quoted(std::string_view name);

/// `text` as a quoted literal: 'it''s'. Throws std::invalid_argument when it holds a NUL byte.
std::string literal(std::string_view text);

/// A table or view. `schema` is empty where a database has none (SQLite).
struct TableId {
  std::string schema;
  std::string name;

  /// "schema"."name", or "name".
  [[nodiscard]] std::string quoted() const;
  /// schema.name without quotes: what offsets are stored under and what lists are matched against.
  [[nodiscard]] std::string qualified() const;

  friend bool operator==(const TableId&, const TableId&) = default;
  friend auto operator<=>(const TableId&, const TableId&) = default;
};

/// Splits "name", "schema.name" or either part in double quotes ("a.b"."c d"). Throws
/// std::invalid_argument when `text` is not such a name.
TableId parse_table_name(std::string_view text);

/// The lists of table.whitelist, table.blacklist (names, qualified or not) and table.include.list,
/// table.exclude.list (regular expressions that match the whole qualified name).
class TableFilter {
 public:
  using List = std::span<const std::string_view>;
  /// Throws std::invalid_argument on a bad name or expression, and when lists are given that
  /// exclude each other.
  TableFilter(List whitelist, List blacklist, List include, List exclude);

  [[nodiscard]] bool takes(const TableId& table) const;
  /// Names of the whitelist that match none of `tables`.
  [[nodiscard]] std::vector<std::string> missing(std::span<const TableId> tables) const;

 private:
  std::vector<TableId> white_, black_;
  std::vector<std::regex> include_, exclude_;
};

}  // namespace penstock::relational
