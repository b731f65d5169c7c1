#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/error.h"
#include "framework/connect/store/state_log.h"

namespace penstock::connect {

using StringMap = std::map<std::string, std::string>;

enum class TargetState : std::uint8_t { kStarted, kPaused, kStopped };
/// "STARTED", "PAUSED", "STOPPED".
std::string_view to_string(TargetState state);

/// One connector as the config log tells it.
struct StoredConnector {
  StringMap config;
  TargetState target = TargetState::kStarted;
  std::optional<std::vector<StringMap>>
      tasks;  // nullopt: never planned, or an incomplete set: plan anew
};
using StoredConnectors = std::map<std::string, StoredConnector>;

std::vector<StateEntry> connector_entries(const std::string& name, const StringMap& config,
                                          TargetState target);
StateEntry target_state_entry(const std::string& name, TargetState target);
/// All tasks and the commit that makes them valid; `before` is the number of tasks stored earlier,
/// whose surplus is removed.
std::vector<StateEntry> task_entries(const std::string& name, const std::vector<StringMap>& tasks,
                                     std::size_t before);
std::vector<StateEntry> deletion_entries(const std::string& name, std::size_t tasks);

/// Replays the config log. Entries that another worker wrote and we have no use for are skipped;
/// malformed ones are noted.
class ConfigReplay {
 public:
  void apply(std::string_view key, std::string_view value);
  StoredConnectors finish();
  std::vector<std::string> notes;

 private:
  StoredConnectors connectors_;
  std::map<std::string, TargetState> targets_;
  std::map<std::string, std::map<std::size_t, StringMap>> tasks_;
  std::map<std::string, std::size_t> commits_;
};

}  // namespace penstock::connect
