#pragma once
// Which columns of a table say how far it was read.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "connectors/relational/config.h"
#include "connectors/relational/database.h"

namespace penstock::relational {

struct Positions {
  std::string id;                        // name of the incrementing column; "" in other modes
  std::optional<std::size_t> id_column;  // not set when it is the hidden row number
  std::vector<const Column*> times;      // timestamp columns; they point into the table
};

/// "table public.flights", or "query".
std::string name_of(const TableId& id);

std::optional<std::size_t> column_named(const Table& table, std::string_view name);

/// Throws std::invalid_argument that begins with the setting's key when `table` cannot be read as
/// `config` says.
Positions find_positions(const Table& table, const PollingConfig& config);

}  // namespace penstock::relational
