#include "connectors/relational/config.h"

#include <algorithm>
#include <cstdio>
#include <stdexcept>

namespace penstock::relational {
namespace {

constexpr std::string_view kNoTables = "%";  // no encoded name is a lone percent sign

std::string encoded(std::string_view part) {
  std::string out;
  for (const char c : part) {
    if (c == '%' || c == ',' || c == '.' || static_cast<unsigned char>(c) <= ' ') {
      char code[4];
      std::snprintf(code, sizeof code, "%%%02x",
                    static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += code;
    } else {
      out += c;
    }
  }
  return out;
}

std::string decoded(std::string_view part) {
  std::string out;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (part[i] != '%') {
      out += part[i];
      continue;
    }
    if (i + 2 >= part.size()) throw std::invalid_argument("task.tables is damaged");
    out += static_cast<char>(std::stoi(std::string(part.substr(i + 1, 2)), nullptr, 16));
    i += 2;
  }
  return out;
}

std::string query_of(std::string_view text) {
  while (!text.empty() && (text.back() == ';' || static_cast<unsigned char>(text.back()) <= ' '))
    text.remove_suffix(1);
  if (text.find('\0') != std::string_view::npos)
    throw std::invalid_argument("query: holds a NUL byte");
  return std::string(text);
}

}  // namespace

PollingConfig::PollingConfig(const Config& config)
    : mode(mode_of(config.text("mode"))),
      incrementing_column(config.text("incrementing.column.name")),
      timestamp_initial(config.text("timestamp.initial")),
      delay_ms(config.number("timestamp.delay.interval.ms")),
      validate_non_null(config.flag("validate.non.null")),
      query(query_of(config.text("query"))),
      filter(config.list("table.whitelist"), config.list("table.blacklist"),
             config.list("table.include.list"), config.list("table.exclude.list")),
      table_poll_ms(config.number("table.poll.interval.ms")),
      topic_prefix(config.text("topic.prefix")),
      key_from_primary_key(config.flag("key.from.primary.key")),
      poll_ms(config.number("poll.interval.ms")),
      rows_max(static_cast<std::size_t>(config.number("batch.max.rows"))),
      task_tables(config.text("task.tables")),
      task_count(static_cast<std::size_t>(config.number("task.count"))) {
  for (const std::string_view column : config.list("timestamp.column.name"))
    timestamp_columns.emplace_back(column);
  if (uses_time(mode) && timestamp_columns.empty()) {
    throw std::invalid_argument("timestamp.column.name: mode " + std::string(config.text("mode")) +
                                " needs the name of a column");
  }
  if (!query.empty()) {
    if (topic_prefix.empty())
      throw std::invalid_argument("topic.prefix: query needs it, as the name of its topic");
    if (uses_id(mode) && incrementing_column.empty()) {
      throw std::invalid_argument(
          "incrementing.column.name: query needs it, a query has no automatic key");
    }
    for (const char* list :
         {"table.whitelist", "table.blacklist", "table.include.list", "table.exclude.list"}) {
      if (!config.list(list).empty())
        throw std::invalid_argument(std::string(list) + ": cannot be used with query");
    }
  }
}

RecordConfig::RecordConfig(const Config& config)
    : numeric(numeric_mapping_of(config.text("numeric.mapping"))),
      granularity(granularity_of(config.text("timestamp.granularity"))) {
  const auto types = config.list("table.types");
  tables = std::find(types.begin(), types.end(), "TABLE") != types.end();
  views = std::find(types.begin(), types.end(), "VIEW") != types.end();
}

std::string encode_tables(std::span<const TableId> tables) {
  if (tables.empty()) return std::string(kNoTables);
  std::string out;
  for (const TableId& table : tables) {
    if (!out.empty()) out += ',';
    if (!table.schema.empty()) out += encoded(table.schema) + '.';
    out += encoded(table.name);
  }
  return out;
}

std::vector<TableId> decode_tables(std::string_view text) {
  std::vector<TableId> out;
  if (text == kNoTables) return out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    const std::string_view item = text.substr(0, end);
    const std::size_t dot = item.find('.');
    TableId id;
    if (dot != std::string_view::npos) id.schema = decoded(item.substr(0, dot));
    id.name = decoded(dot == std::string_view::npos ? item : item.substr(dot + 1));
    out.push_back(std::move(id));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace penstock::relational
