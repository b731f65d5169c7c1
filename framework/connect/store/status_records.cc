#include "framework/connect/store/status_records.h"

#include <nlohmann/json.hpp>

namespace penstock::connect {
namespace {

using Json = nlohmann::json;

std::string value(const StatusRecord& status) {
  Json json{
      {"state", status.state}, {"worker_id", status.worker_id}, {"generation", status.generation}};
  json["trace"] = status.trace.empty() ? Json() : Json(status.trace);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}
std::string connector_key(const std::string& connector) { return "status-connector-" + connector; }
std::string task_key(const std::string& connector, int task) {
  return "status-task-" + connector + "-" + std::to_string(task);
}

}  // namespace

StateEntry connector_status_entry(const std::string& connector, const StatusRecord& status) {
  return {connector_key(connector), value(status)};
}
StateEntry task_status_entry(const std::string& connector, int task, const StatusRecord& status) {
  return {task_key(connector, task), value(status)};
}
std::vector<StateEntry> status_deletion_entries(const std::string& connector, int tasks) {
  std::vector<StateEntry> entries{{connector_key(connector), std::nullopt}};
  for (int i = 0; i < tasks; ++i) entries.push_back({task_key(connector, i), std::nullopt});
  return entries;
}

}  // namespace penstock::connect
