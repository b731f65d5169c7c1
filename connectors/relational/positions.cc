#include "connectors/relational/positions.h"

#include <algorithm>
#include <stdexcept>

namespace penstock::relational {
namespace {

constexpr const char* kNeverRead = "; rows with null are never read (validate.non.null)";

void find_id(const Table& table, const PollingConfig& config, Positions& out) {
  const std::string setting = "incrementing.column.name: ";
  const std::string what = name_of(table.id);
  out.id = config.incrementing_column;
  if (out.id.empty()) {
    const auto automatic = [](const Column& column) { return column.auto_increment; };
    const auto found = std::find_if(table.columns.begin(), table.columns.end(), automatic);
    if (found == table.columns.end())
      throw std::invalid_argument(setting + what + " has no automatic key, name a column");
    out.id = found->name;
  }
  out.id_column = column_named(table, out.id);
  if (!out.id_column) {
    if (!table.row_number.empty() && out.id == table.row_number) return;
    throw std::invalid_argument(setting + what + " has no column " + out.id);
  }
  const Column& column = table.columns[*out.id_column];
  const std::string named = "column " + out.id + " of " + what;
  if (!column.integer) {
    throw std::invalid_argument(setting + named + " is " + column.type +
                                ", not an integer of at most 64 bits");
  }
  // What a query returns may always be null, as far as is known.
  if (config.validate_non_null && column.nullable && config.query.empty()) {
    throw std::invalid_argument(setting + named + " may be null" + kNeverRead);
  }
}

void find_times(const Table& table, const PollingConfig& config, Positions& out) {
  const std::string setting = "timestamp.column.name: ";
  const std::string what = name_of(table.id);
  for (const std::string& name : config.timestamp_columns) {
    const auto at = column_named(table, name);
    if (!at) throw std::invalid_argument(setting + what + " has no column " + name);
    const Column& column = table.columns[*at];
    if (!column.temporal) {
      throw std::invalid_argument(setting + "column " + name + " of " + what + " is " +
                                  column.type + ", not a timestamp");
    }
    out.times.push_back(&column);
  }
  const bool all_nullable =
      std::all_of(out.times.begin(), out.times.end(), [](const Column* c) { return c->nullable; });
  if (config.validate_non_null && all_nullable && config.query.empty()) {
    throw std::invalid_argument(setting + "the timestamps of " + what + " may all be null" +
                                kNeverRead);
  }
}

}  // namespace

std::string name_of(const TableId& id) {
  return id.name.empty() ? "query" : "table " + id.qualified();
}

std::optional<std::size_t> column_named(const Table& table, std::string_view name) {
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].name == name) return i;
  }
  return std::nullopt;
}

Positions find_positions(const Table& table, const PollingConfig& config) {
  Positions out;
  if (uses_id(config.mode)) find_id(table, config, out);
  if (uses_time(config.mode)) find_times(table, config, out);
  return out;
}

}  // namespace penstock::relational
