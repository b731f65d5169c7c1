#include "framework/connect/herder/connector.h"
#include "framework/connect/herder/connector_settings.h"
#include "framework/connect/herder/herder.h"

namespace penstock::connect {
namespace {

template <class IsSecret>
StringMap hidden(const StringMap& config, const IsSecret& is_secret) {
  StringMap out = config;
  for (auto& [key, value] : out) {
    // A placeholder is no secret.
    if (!value.empty() && !value.starts_with("${") && is_secret(key)) value = kHidden;
  }
  return out;
}

std::optional<std::int64_t> until(const std::optional<std::int64_t>& at, std::int64_t now) {
  return at ? std::optional(std::max<std::int64_t>(*at - now, 0)) : std::nullopt;
}

}  // namespace

ConnectorView Herder::view_of(const Connector& connector) {
  const auto now = clock_.steady_ms();
  ConnectorView view;
  view.name = connector.name;
  std::function<bool(const std::string&)> is_secret = sounds_secret;
  const auto found = find_class(connector.config);
  std::optional<ConnectorSettings> settings;
  if (found) {
    settings.emplace(*found->connector);
    is_secret = [&settings](const std::string& key) { return settings->is_secret(key); };
  }
  view.config = hidden(connector.config, is_secret);
  view.generation = connector.config_generation;
  view.type = found ? found->connector->kind : connector.kind;
  view.version = connector.plugin_version;
  view.state = connector.state;
  view.trace = connector.trace;
  view.worker_id = worker_id_;
  view.restarts = connector.restarts;
  view.next_retry_in_ms = until(connector.retry_at_ms, now);
  view.given_up = connector.given_up;
  for (const auto& task : connector.tasks) {
    TaskView one;
    one.id = static_cast<int>(view.tasks.size());
    one.config = hidden(task.config, is_secret);
    for (const auto& [key, value] : view.config) one.config.try_emplace(key, value);
    one.state = task.state;
    one.trace = task.trace.empty() ? task.stalled : task.trace;
    one.restarts = task.restarts;
    one.attempts = std::max(task.policy.attempts(), connector.policy.attempts());
    one.budget = task.policy.budget();
    one.next_retry_in_ms = until(task.retry_at_ms ? task.retry_at_ms : connector.retry_at_ms, now);
    one.given_up = task.given_up;
    one.generation = task.generation;
    one.caught_up = task.caught_up;
    one.finished = task.finished;
    one.metrics = task.metrics;
    view.tasks.push_back(std::move(one));
  }
  return view;
}

}  // namespace penstock::connect
