#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "framework/connect/herder/connector.h"
#include "framework/connect/herder/herder.h"
#include "framework/connect/herder/task_steps.h"
#include "framework/connect/store/status_records.h"

namespace penstock::connect {
namespace {

constexpr std::size_t kTraceBytesMax = 16'384;

int tasks_max(const StringMap& config) {
  const auto found = config.find("tasks.max");
  return found == config.end() ? 1 : std::clamp(std::atoi(found->second.c_str()), 1, 1023);
}

}  // namespace

std::string Herder::masked(const Connector& connector, std::string text) const {
  text = connector.secrets.masked(std::move(text));
  if (text.size() > kTraceBytesMax) text.resize(kTraceBytesMax);
  return text;
}

/// The one place that decides what a connector needs next. Called after everything that happened to
/// it.
void Herder::reconcile(Connector& connector) {
  using Runner = Connector::Runner;
  const bool wanted = !connector.deleted && !stopping_ && connector.target != TargetState::kStopped;
  switch (connector.runner) {
    case Runner::kStarting:
    case Runner::kStopping:
      break;  // comes back here when that is over
    case Runner::kReady:
      if (!wanted || connector.restart_wanted)
        stop_runner(connector);
      else
        begin_work(connector);
      break;
    case Runner::kNone:
      if (connector.deleted) return forget(connector.name);
      if (stopping_) break;
      connector.restart_wanted = false;
      if (connector.target == TargetState::kStopped) {
        connector.state = "STOPPED";
        connector.trace.clear();
        connector.tasks.clear();
        connector.retry_at_ms.reset();
        connector.given_up = false;
      } else if (connector.held) {
        connector.state = "UNASSIGNED";
      } else if (!connector.given_up && !connector.retry_at_ms) {
        start_runner(connector);
      }
      break;
  }
  publish(connector);
}

void Herder::start_runner(Connector& connector) {
  if (describing_ > 0) {
    waiting_for_catalog_.emplace_back([this, name = connector.name] {
      if (auto* again = find(name)) reconcile(*again);
    });
    return;
  }
  const auto found = find_class(connector.config);
  if (!found) return connector_failed(connector, found.error().text, true);
  auto resolved = options_.providers.resolve(connector.config);
  if (!resolved) return connector_failed(connector, resolved.error().text, false);
  note_class(connector);
  connector.secrets = secrets_of(*found, *resolved);
  connector.resolved = std::move(resolved->config);
  connector.generation = ++last_generation_;
  connector.runner = Connector::Runner::kStarting;
  connector.planned = false;
  connector.planning = false;
  if (connector.state != "RESTARTING") connector.state = "UNASSIGNED";
  supervisor_->start_runner(
      connector.name, connector.generation, hello_for(*found),
      [this, name = connector.name, generation = connector.generation](Result<Message> answer) {
        post(
            [this, name, generation, answer = std::move(answer)] {
              auto* it = find(name, generation);
              if (it == nullptr || it->runner != Connector::Runner::kStarting) return;
              if (answer && std::holds_alternative<message::Ready>(*answer)) {
                it->runner = Connector::Runner::kReady;
                it->plugin_version = std::get<message::Ready>(*answer).plugin_version;
                return reconcile(*it);
              }
              it->runner = Connector::Runner::kNone;
              const bool refused = !answer && answer.error().code == Errc::kInvalid;
              connector_failed(
                  *it,
                  answer ? "the runner answered hello with something else" : answer.error().text,
                  refused);
              reconcile(*it);
            },
            kEventsMax);
      },
      connector.secrets);
}

void Herder::end_runner(const std::string& name, std::int64_t generation) {
  supervisor_->stop_runner(name, generation, options_.stop_deadline_ms, [this, name, generation] {
    post(
        [this, name, generation] {
          auto* it = find(name, generation);
          if (it != nullptr && it->runner == Connector::Runner::kStopping) stopped(*it);
        },
        kEventsMax);
  });
}

/// The worker stops: a runner that is starting, or calls a hook, has no more time than the others.
void Herder::stop_all() {
  for (auto& [name, connector] : connectors_) {
    if (connector->runner == Connector::Runner::kStarting)
      connector->runner = Connector::Runner::kStopping;
    if (connector->runner == Connector::Runner::kStopping)
      end_runner(name, connector->generation);
    else
      reconcile(*connector);
  }
}

void Herder::stop_runner(Connector& connector) {
  connector.runner = Connector::Runner::kStopping;
  const auto end = [this, name = connector.name, generation = connector.generation] {
    end_runner(name, generation);
  };
  if (!connector.deleted || !connector.has_connector) return end();
  supervisor_->ask(
      connector.name, connector.generation, message::Hook{"deleted", connector.resolved},
      options_.plugin_deadline_ms, "the hook for deletion",
      [name = connector.name, end, secrets = connector.secrets](const Result<Message>& answer) {
        if (const auto* failed = answer ? std::get_if<message::Failed>(&*answer) : nullptr) {
          spdlog::warn("connector {}: its hook for deletion failed: {}", name,
                       secrets.masked(failed->text));
        }
        end();
      });
}

void Herder::stopped(Connector& connector) {
  connector.runner = Connector::Runner::kNone;
  connector.planned = false;
  connector.planning = false;
  for (auto& task : connector.tasks) {
    task.in_runner = false;
    task.busy = false;
    ++task.epoch;
    task.state = "UNASSIGNED";
    task.stalled.clear();
    task.forget_progress();
  }
  if (connector.restart_wanted) connector.tasks.clear();
  connector.state = "UNASSIGNED";
  auto waiting = std::exchange(connector.when_ended, {});
  for (auto& action : waiting) action();
  reconcile(connector);
}

/// The runner is ready: hooks, plan, tasks, one after the other.
void Herder::begin_work(Connector& connector) {
  if (connector.planning) return;
  if (!connector.hook.empty() && connector.has_connector) {
    connector.planning = true;
    const auto which = std::exchange(connector.hook, {});
    supervisor_->ask(connector.name, connector.generation, message::Hook{which, connector.resolved},
                     options_.plugin_deadline_ms, "the hook for " + which,
                     [this, name = connector.name, generation = connector.generation,
                      which](Result<Message> answer) {
                       post(
                           [this, name, generation, which, answer = std::move(answer)] {
                             auto* it = find(name, generation);
                             if (it == nullptr || it->runner != Connector::Runner::kReady) return;
                             it->planning = false;
                             if (!answer) return;  // the runner ended, and that is reported apart
                             if (const auto* failed = std::get_if<message::Failed>(&*answer)) {
                               connector_failed(
                                   *it, "the hook for " + which + " failed: " + failed->text,
                                   !failed->retriable);
                             }
                             reconcile(*it);
                           },
                           kEventsMax);
                     });
    return;
  }
  connector.hook.clear();
  if (connector.given_up || connector.retry_at_ms) return;
  if (!connector.planned || connector.replan_wanted) return plan(connector);
  drive_tasks(connector);
}

void Herder::plan(Connector& connector) {
  connector.replan_wanted = false;
  if (!connector.has_connector) return planned(connector, {StringMap()});
  connector.planning = true;
  auto config = connector.resolved;
  for (const auto& [key, value] : options_.task_defaults) config.try_emplace(key, value);
  supervisor_->ask(
      connector.name, connector.generation,
      message::Plan{std::move(config), tasks_max(connector.resolved)}, options_.plugin_deadline_ms,
      "plan()",
      [this, name = connector.name, generation = connector.generation](Result<Message> answer) {
        post(
            [this, name, generation, answer = std::move(answer)]() mutable {
              auto* it = find(name, generation);
              if (it == nullptr || it->runner != Connector::Runner::kReady) return;
              it->planning = false;
              if (!answer) {
                if (answer.error().code != Errc::kUnavailable)
                  connector_failed(*it, answer.error().text, true);
              } else if (auto* tasks = std::get_if<message::TaskConfigs>(&*answer)) {
                if (tasks->tasks.size() > static_cast<std::size_t>(tasks_max(it->resolved))) {
                  connector_failed(*it,
                                   "The connector " + name + " has generated " +
                                       std::to_string(tasks->tasks.size()) +
                                       " tasks, which is greater than " +
                                       std::to_string(tasks_max(it->resolved)) +
                                       ", the maximum number of tasks it is configured to create.",
                                   true);
                } else {
                  return planned(*it, std::move(tasks->tasks));
                }
              } else {
                const auto* failed = std::get_if<message::Failed>(&*answer);
                connector_failed(
                    *it,
                    failed != nullptr ? failed->text : "plan() was answered with something else",
                    failed == nullptr || !failed->retriable);
              }
              reconcile(*it);
            },
            kEventsMax);
      });
}

void Herder::planned(Connector& connector, std::vector<StringMap> tasks) {
  if (connector.stored_tasks != tasks) {
    // What a plugin plans may hold resolved secrets: the placeholders stay in what is stored.
    auto to_store = tasks;
    for (auto& task : to_store) {
      for (auto& [key, value] : task) {
        const auto resolved = connector.resolved.find(key);
        if (resolved != connector.resolved.end() && resolved->second == value)
          value = connector.config.at(key);
      }
    }
    const auto before = connector.stored_tasks ? connector.stored_tasks->size() : 0;
    const auto stored =
        state_.put_and_wait(StateTopic::kConfigs, task_entries(connector.name, to_store, before));
    if (!stored)
      return connector_failed(connector, stored.error().in("storing the task configurations").text,
                              false);
    connector.stored_tasks = std::move(to_store);
  }
  connector.planned = true;
  connector.state = connector.target == TargetState::kPaused ? "PAUSED" : "RUNNING";
  connector.trace.clear();
  for (auto& task : connector.tasks) {
    if (task.policy.attempts() == 0) task.policy = RestartPolicy(options_.restart);
    if (std::exchange(task.failed_with_connector, false)) task.given_up = false;
  }
  // A table may have gone from one task to another: who has it next must not read or write beside
  // who had it.
  connector.next_plan.reset();
  if (!is_as_planned(connector.tasks, tasks)) connector.next_plan = std::move(tasks);
  reconcile(connector);
}

/// The instance failed while its runner may live on: tried again later, or given up.
void Herder::connector_failed(Connector& connector, std::string text, bool fatal) {
  connector.trace = masked(connector, std::move(text));
  const auto now = clock_.steady_ms();
  const auto wait = fatal ? std::nullopt : connector.policy.failed(now, random_);
  connector.given_up = !wait;
  connector.retry_at_ms = wait ? std::optional(now + *wait) : std::nullopt;
  connector.state = wait ? "RESTARTING" : "FAILED";
  if (wait) ++connector.restarts;
  spdlog::error("connector {} failed{}: {}", connector.name,
                wait ? ", next try in " + std::to_string(*wait) + " ms"
                     : std::string(" and is not tried again"),
                connector.trace);
  if (connector.tasks.empty() && connector.stored_tasks)
    connector.tasks.resize(connector.stored_tasks->size());
  for (auto& task : connector.tasks) {
    if (task.in_runner || (task.given_up && !task.failed_with_connector)) continue;
    task.state = "FAILED";
    task.trace = connector.trace;
    task.given_up = connector.given_up;
    task.failed_with_connector = true;
  }
  publish(connector);
}

void Herder::runner_ended(const std::string& name, std::int64_t generation, std::string text) {
  post(
      [this, name, generation, text = std::move(text)]() mutable {
        auto* connector = find(name, generation);
        if (connector == nullptr || connector->runner == Connector::Runner::kNone) return;
        if (connector->runner == Connector::Runner::kStopping) return stopped(*connector);
        connector->runner = Connector::Runner::kNone;
        connector->planned = false;
        connector->planning = false;
        bool progressed = false;
        std::vector<Task*> lost;
        for (auto& task : connector->tasks) {
          const auto records = task.metrics.find("records");
          progressed = progressed ||
                       (task.in_runner && records != task.metrics.end() && records->second > 0);
          if (task.in_runner) lost.push_back(&task);
          task.in_runner = false;
          task.busy = false;
          task.retry_at_ms.reset();
          task.stalled.clear();
          task.forget_progress();
          ++task.epoch;
        }
        if (progressed) connector->policy.progressed();
        connector_failed(*connector, std::move(text), false);
        for (auto* task : lost) task->restarts += connector->given_up ? 0 : 1;
        reconcile(*connector);
      },
      kEventsMax);
}

void Herder::forget(const std::string& name) {
  const auto found = connectors_.find(name);
  const auto tasks = static_cast<int>(found->second->tasks.size());
  state_.put(StateTopic::kStatuses, status_deletion_entries(name, tasks),
             [name](const Status& status) {
               if (!status)
                 spdlog::warn("connector {}: its statuses could not be removed: {}", name,
                              status.error().text);
             });
  connectors_.erase(found);
}

/// Writes statuses that changed. They inform; nothing is decided by them, so nobody waits.
void Herder::publish(Connector& connector) {
  std::vector<StateEntry> all;
  all.push_back(connector_status_entry(
      connector.name, {connector.state, connector.trace, worker_id_, connector.generation}));
  for (std::size_t i = 0; i < connector.tasks.size(); ++i) {
    const auto& task = connector.tasks[i];
    all.push_back(task_status_entry(connector.name, static_cast<int>(i),
                                    {task.state, task.trace, worker_id_, connector.generation}));
  }
  std::vector<StateEntry> changed;
  std::vector<std::string> now;
  for (std::size_t i = 0; i < all.size(); ++i) {
    now.push_back(*all[i].value);
    if (i >= connector.published.size() || connector.published[i] != now[i])
      changed.push_back(std::move(all[i]));
  }
  connector.published = std::move(now);
  if (changed.empty()) return;
  state_.put(StateTopic::kStatuses, std::move(changed),
             [name = connector.name](const Status& status) {
               if (!status)
                 spdlog::warn("connector {}: its status could not be stored: {}", name,
                              status.error().text);
             });
}

}  // namespace penstock::connect
