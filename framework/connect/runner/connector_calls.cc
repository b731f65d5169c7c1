#include "framework/connect/runner/connector_calls.h"

#include <utility>

#include "framework/connect/host/plugin_config.h"
#include "framework/connect/plugin/instance.h"
#include "framework/connect/plugin/library.h"
#include "framework/connect/task/plugin_call.h"
#include "framework/connect/task/settings_check.h"

namespace penstock::connect {
namespace {

config::Map to_map(const ConfigMap& config) { return {config.begin(), config.end()}; }

message::Failed failed(const plugin::CallResult& result) {
  return {result.text, result.outcome == plugin::Outcome::kRetriable};
}

}  // namespace

ConnectorCalls::ConnectorCalls(const ConnectorDescriptor& descriptor, TaskPage& page,
                               Outbox& outbox)
    : descriptor_(descriptor), page_(page), outbox_(outbox), thread_([this] { run(); }) {}

ConnectorCalls::~ConnectorCalls() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ConnectorCalls::post(const Envelope& question, Work work) {
  Job job;
  job.answer.answers = question.id;
  job.answer.connector = question.connector;
  job.answer.generation = question.generation;
  job.work = std::move(work);
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  changed_.notify_all();
}

void ConnectorCalls::run() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return closing_ || !jobs_.empty(); });
      if (closing_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    Outbox::Item item;
    item.envelope = std::move(job.answer);
    item.envelope.body = job.work();
    outbox_.post(std::move(item));
  }
}

Message ConnectorCalls::validate(const ConfigMap& config, const ConfigMap& client,
                                 const std::string& connector) {
  message::Problems out;
  auto checked = plugin::definition_of(descriptor_).check(to_map(config));
  for (auto& problem : checked.problems) out.problems.push_back({problem.key, problem.text});
  for (auto& problem : check_framework_settings(descriptor_.kind, client, config))
    out.problems.push_back(std::move(problem));
  if (!out.problems.empty()) return out;
  const plugin::Caller caller{connector};
  auto made = plugin::make_connector(descriptor_, caller);
  if (!made) return message::Failed{made.error().text, false};
  if (!*made) return out;
  const host::PluginConfig plugin_config(std::move(checked.settings));
  host::ProblemList problems;
  const auto result = call_on_page(page_, caller, PluginCall::kValidate,
                                   [&] { (*made)->validate(plugin_config, problems); });
  if (!result) return failed(result);
  for (const auto& problem : problems.problems())
    out.problems.push_back({problem.key, problem.text});
  return out;
}

Message ConnectorCalls::plan(const ConfigMap& config, int tasks_max, const std::string& connector) {
  auto checked = plugin::definition_of(descriptor_).check(to_map(config));
  if (!checked.problems.empty()) return message::Failed{config::join(checked.problems), false};
  const plugin::Caller caller{connector};
  auto made = plugin::make_connector(descriptor_, caller);
  if (!made) return message::Failed{made.error().text, false};
  message::TaskConfigs out;
  if (!*made) {
    out.tasks.emplace_back();
    return out;
  }
  const host::PluginConfig plugin_config(std::move(checked.settings));
  host::PlannedTasks planned({}, {descriptor_.keys, descriptor_.key_count}, tasks_max);
  const auto result = call_on_page(page_, caller, PluginCall::kPlan,
                                   [&] { (*made)->tasks(plugin_config, tasks_max, planned); });
  if (!result) return failed(result);
  for (const auto& task : planned.tasks()) out.tasks.emplace_back(task.begin(), task.end());
  return out;
}

Message ConnectorCalls::hook(const std::string& which, const ConfigMap& config,
                             const std::string& connector) {
  auto checked = plugin::definition_of(descriptor_).check(to_map(config));
  if (!checked.problems.empty()) return message::Failed{config::join(checked.problems), false};
  const plugin::Caller caller{connector};
  auto made = plugin::make_connector(descriptor_, caller);
  if (!made) return message::Failed{made.error().text, false};
  if (!*made) return message::Done{};
  const host::PluginConfig plugin_config(std::move(checked.settings));
  const auto result = call_on_page(page_, caller, PluginCall::kHook, [&] {
    if (which == "created")
      (*made)->created(plugin_config);
    else if (which == "updated")
      (*made)->updated(plugin_config);
    else
      (*made)->deleted(plugin_config);
  });
  if (!result) return failed(result);
  return message::Done{};
}

}  // namespace penstock::connect
