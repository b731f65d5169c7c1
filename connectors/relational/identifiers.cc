#include "connectors/relational/identifiers.h"

#include <algorithm>
#include <stdexcept>

namespace penstock::relational {
namespace {

std::string enclosed(std::string_view text, char quote) {
  if (text.find('\0') != std::string_view::npos) {
    throw std::invalid_argument("a name or text for a statement must not hold a NUL byte");
  }
  std::string out;
  out.reserve(text.size() + 2);
  out += quote;
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  out += quote;
  return out;
}

/// Takes one part, quoted or plain, off the front of `text`.
std::string take_part(std::string_view& text, std::string_view whole) {
  std::string part;
  if (text.starts_with('"')) {
    text.remove_prefix(1);
    for (;;) {
      const std::size_t end = text.find('"');
      if (end == std::string_view::npos) {
        throw std::invalid_argument("table name " + std::string(whole) + ": a quote is not closed");
      }
      part += text.substr(0, end);
      text.remove_prefix(end + 1);
      if (!text.starts_with('"')) break;
      part += '"';
      text.remove_prefix(1);
    }
  } else {
    const std::size_t end = std::min(text.find('.'), text.size());
    part = text.substr(0, end);
    text.remove_prefix(end);
  }
  if (part.empty() || part.find('\0') != std::string::npos) {
    throw std::invalid_argument("table name '" + std::string(whole) +
                                "' is not name or schema.name");
  }
  return part;
}

bool names(const TableId& pattern, const TableId& table) {
  return pattern.name == table.name && (pattern.schema.empty() || pattern.schema == table.schema);
}

std::vector<TableId> parse_all(TableFilter::List list) {
  std::vector<TableId> out;
  for (const std::string_view item : list) out.push_back(parse_table_name(item));
  return out;
}

std::vector<std::regex> compile_all(TableFilter::List list, const char* key) {
  std::vector<std::regex> out;
  for (const std::string_view item : list) {
    try {
      out.emplace_back(item.begin(), item.end(), std::regex::ECMAScript | std::regex::optimize);
    } catch (const std::regex_error& e) {
      throw std::invalid_argument(std::string(key) + ": '" + std::string(item) +
                                  "' is not a regular expression: " + e.what());
    }
  }
  return out;
}

}  // namespace

std::string quoted(std::string_view name) {
  if (name.empty()) throw std::invalid_argument("an identifier must not be empty");
  return enclosed(name, '"');
}

std::string literal(std::string_view text) { return enclosed(text, '\''); }

std::string TableId::quoted() const {
  if (schema.empty()) return relational::quoted(name);
  return relational::quoted(schema) + '.' + relational::quoted(name);
}

std::string TableId::qualified() const { return schema.empty() ? name : schema + '.' + name; }

TableId parse_table_name(std::string_view text) {
  const std::string_view whole = text;
  TableId id;
  id.name = take_part(text, whole);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    id.schema = std::move(id.name);
    id.name = take_part(text, whole);
  }
  if (!text.empty()) {
    throw std::invalid_argument("table name '" + std::string(whole) +
                                "' is not name or schema.name");
  }
  return id;
}

TableFilter::TableFilter(List whitelist, List blacklist, List include, List exclude) {
  if (!whitelist.empty() && !blacklist.empty()) {
    throw std::invalid_argument("table.blacklist: cannot be used with table.whitelist");
  }
  if ((!include.empty() || !exclude.empty()) && (!whitelist.empty() || !blacklist.empty())) {
    throw std::invalid_argument(
        "table.include.list: cannot be used with table.whitelist or table.blacklist");
  }
  if (!exclude.empty() && include.empty()) {
    throw std::invalid_argument("table.exclude.list: needs table.include.list");
  }
  white_ = parse_all(whitelist);
  black_ = parse_all(blacklist);
  include_ = compile_all(include, "table.include.list");
  exclude_ = compile_all(exclude, "table.exclude.list");
}

bool TableFilter::takes(const TableId& table) const {
  const auto named = [&](const TableId& pattern) { return names(pattern, table); };
  const std::string full = table.qualified();
  const auto matches = [&](const std::regex& pattern) { return std::regex_match(full, pattern); };
  if (!white_.empty() && std::none_of(white_.begin(), white_.end(), named)) return false;
  if (std::any_of(black_.begin(), black_.end(), named)) return false;
  if (!include_.empty() && std::none_of(include_.begin(), include_.end(), matches)) return false;
  return std::none_of(exclude_.begin(), exclude_.end(), matches);
}

std::vector<std::string> TableFilter::missing(std::span<const TableId> tables) const {
  std::vector<std::string> out;
  for (const TableId& pattern : white_) {
    const auto named = [&](const TableId& table) { return names(pattern, table); };
    if (std::none_of(tables.begin(), tables.end(), named)) out.push_back(pattern.qualified());
  }
  return out;
}

}  // namespace penstock::relational
