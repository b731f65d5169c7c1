#include "framework/connect/store/config_records.h"

#include <charconv>
#include <nlohmann/json.hpp>

namespace penstock::connect {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kConnector = "connector-";
constexpr std::string_view kTask = "task-";
constexpr std::string_view kCommit = "commit-";
constexpr std::string_view kTarget = "target-state-";
constexpr std::size_t kTasksMax = 100'000;

std::string properties(const StringMap& config) { return Json{{"properties", config}}.dump(); }

std::optional<StringMap> read_properties(const Json& json) {
  const auto found = json.find("properties");
  if (found == json.end() || !found->is_object()) return std::nullopt;
  StringMap config;
  for (const auto& [key, value] : found->items()) {
    if (value.is_null()) continue;
    if (!value.is_string()) return std::nullopt;
    config[key] = value.get<std::string>();
  }
  return config;
}

std::optional<TargetState> read_target(const Json& json) {
  for (const char* field : {"state.v2", "state"}) {
    const auto found = json.find(field);
    if (found == json.end() || !found->is_string()) continue;
    const auto& text = found->get_ref<const std::string&>();
    for (const auto state : {TargetState::kStarted, TargetState::kPaused, TargetState::kStopped}) {
      if (text == to_string(state)) return state;
    }
  }
  return std::nullopt;
}

std::string task_key(const std::string& name, std::size_t task) {
  return std::string(kTask) + name + "-" + std::to_string(task);
}

}  // namespace

std::string_view to_string(TargetState state) {
  switch (state) {
    case TargetState::kStarted:
      return "STARTED";
    case TargetState::kPaused:
      return "PAUSED";
    case TargetState::kStopped:
      return "STOPPED";
  }
  return "STARTED";
}

StateEntry target_state_entry(const std::string& name, TargetState target) {
  // Workers that do not know STOPPED read `state`.
  const auto old = target == TargetState::kStopped ? TargetState::kPaused : target;
  return {std::string(kTarget) + name,
          Json{{"state", std::string(to_string(old))}, {"state.v2", std::string(to_string(target))}}
              .dump()};
}

std::vector<StateEntry> connector_entries(const std::string& name, const StringMap& config,
                                          TargetState target) {
  return {target_state_entry(name, target), {std::string(kConnector) + name, properties(config)}};
}

std::vector<StateEntry> task_entries(const std::string& name, const std::vector<StringMap>& tasks,
                                     std::size_t before) {
  std::vector<StateEntry> entries;
  for (std::size_t i = 0; i < tasks.size(); ++i)
    entries.push_back({task_key(name, i), properties(tasks[i])});
  for (std::size_t i = tasks.size(); i < before; ++i)
    entries.push_back({task_key(name, i), std::nullopt});
  entries.push_back({std::string(kCommit) + name, Json{{"tasks", tasks.size()}}.dump()});
  return entries;
}

std::vector<StateEntry> deletion_entries(const std::string& name, std::size_t tasks) {
  std::vector<StateEntry> entries{{std::string(kConnector) + name, std::nullopt},
                                  {std::string(kTarget) + name, std::nullopt}};
  for (std::size_t i = 0; i < tasks; ++i) entries.push_back({task_key(name, i), std::nullopt});
  entries.push_back({std::string(kCommit) + name, std::nullopt});
  return entries;
}

void ConfigReplay::apply(std::string_view key, std::string_view value) {
  const auto json = Json::parse(value, nullptr, false);
  const auto bad = [&] {
    notes.push_back("config entry " + std::string(key) + " is malformed and was skipped");
  };
  if (!json.is_object()) return bad();
  if (key.starts_with(kConnector)) {
    auto config = read_properties(json);
    if (!config) return bad();
    connectors_[std::string(key.substr(kConnector.size()))].config = std::move(*config);
  } else if (key.starts_with(kTarget)) {
    const auto target = read_target(json);
    if (!target) return bad();
    targets_[std::string(key.substr(kTarget.size()))] = *target;
  } else if (key.starts_with(kTask)) {
    const auto dash = key.rfind('-');
    const auto digits = key.substr(dash + 1);
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    auto config = read_properties(json);
    if (dash < kTask.size() || error != std::errc() || end != digits.data() + digits.size() ||
        !config)
      return bad();
    tasks_[std::string(key.substr(kTask.size(), dash - kTask.size()))][number] = std::move(*config);
  } else if (key.starts_with(kCommit)) {
    const auto found = json.find("tasks");
    if (found == json.end() || !found->is_number_unsigned() ||
        found->get<std::size_t>() > kTasksMax)
      return bad();
    commits_[std::string(key.substr(kCommit.size()))] = found->get<std::size_t>();
  }
}

StoredConnectors ConfigReplay::finish() {
  for (auto& [name, connector] : connectors_) {
    if (const auto target = targets_.find(name); target != targets_.end())
      connector.target = target->second;
    const auto commit = commits_.find(name);
    if (commit == commits_.end()) continue;
    std::vector<StringMap> tasks;
    const auto& stored = tasks_[name];
    for (std::size_t i = 0; i < commit->second && stored.contains(i); ++i)
      tasks.push_back(stored.at(i));
    if (tasks.size() == commit->second) connector.tasks = std::move(tasks);
  }
  return std::move(connectors_);
}

}  // namespace penstock::connect
