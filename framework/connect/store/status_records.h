#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "framework/connect/store/state_log.h"

namespace penstock::connect {

/// A connector's or task's status as Connect stores it. `trace` "" is null.
struct StatusRecord {
  std::string state;
  std::string trace;
  std::string worker_id;
  std::int64_t generation = 0;
};
StateEntry connector_status_entry(const std::string& connector, const StatusRecord& status);
StateEntry task_status_entry(const std::string& connector, int task, const StatusRecord& status);
/// Tombstones for the connector and its tasks 0 to `tasks` - 1.
std::vector<StateEntry> status_deletion_entries(const std::string& connector, int tasks);

}  // namespace penstock::connect
