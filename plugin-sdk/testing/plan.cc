#include <memory>

#include "recording_context.h"

namespace penstock::testing {
namespace {

std::span<const ConfigKey> keys_of(const ConnectorDescriptor& connector) {
  return {connector.keys, connector.key_count};
}

struct Owned {
  explicit Owned(const ConnectorDescriptor& c) : descriptor(c), object(c.make_connector()) {
    if (object == nullptr) throw ContractError("the factory returned no connector");
  }
  ~Owned() { descriptor.destroy_connector(object); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  const ConnectorDescriptor& descriptor;
  Connector* object;
};

}  // namespace

host::PluginConfig checked_config(const ConnectorDescriptor& connector, const Settings& settings) {
  config::Checked checked = host::definition_of(keys_of(connector)).check(settings);
  if (!checked.problems.empty()) throw std::invalid_argument(config::join(checked.problems));
  return host::PluginConfig(std::move(checked.settings));
}

std::vector<std::string> validate(const ConnectorDescriptor& connector, const Settings& settings) {
  config::Checked checked = host::definition_of(keys_of(connector)).check(settings);
  std::vector<std::string> out;
  for (const config::Problem& problem : checked.problems) out.push_back(problem.text);
  if (!out.empty() || connector.make_connector == nullptr) return out;
  const host::PluginConfig config(std::move(checked.settings));
  const Owned owned(connector);
  host::ProblemList problems;
  owned.object->validate(config, problems);
  for (const config::Problem& problem : problems.problems())
    out.push_back(problem.key + ": " + problem.text);
  return out;
}

std::vector<Settings> plan(const ConnectorDescriptor& connector, const Settings& settings,
                           int max_tasks) {
  const host::PluginConfig config = checked_config(connector, settings);
  if (connector.make_connector == nullptr) return {settings};
  const Owned owned(connector);
  host::PlannedTasks planned(settings, keys_of(connector), max_tasks);
  owned.object->tasks(config, max_tasks, planned);
  if (planned.tasks().empty()) throw ContractError("tasks() planned no task");
  return {planned.tasks().begin(), planned.tasks().end()};
}

}  // namespace penstock::testing
