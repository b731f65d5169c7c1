#include <spdlog/spdlog.h>

#include "framework/connect/herder/connector.h"
#include "framework/connect/herder/herder.h"
#include "framework/connect/herder/task_steps.h"

namespace penstock::connect {
namespace {
// A task gives up waiting for others at its deadline; plugin code that goes on beyond this is ended
// with its runner.
constexpr std::int64_t kStopGraceMs = 5'000;
}  // namespace

StringMap Herder::task_config(const Connector& connector, const Task& task) const {
  StringMap config = task.config;
  for (const auto& [key, value] : connector.resolved) config.try_emplace(key, value);
  for (const auto& [key, value] : options_.task_defaults) config.try_emplace(key, value);
  return config;
}

/// One question to each task that is not as it should be.
void Herder::drive_tasks(Connector& connector) {
  const bool pause = connector.target == TargetState::kPaused;
  connector.state = pause ? "PAUSED" : "RUNNING";
  if (connector.next_plan && all_ended(connector.tasks)) {
    take_over(connector.tasks, std::move(*connector.next_plan), options_.restart);
    connector.next_plan.reset();
  }
  for (std::size_t i = 0; i < connector.tasks.size(); ++i) {
    const int index = static_cast<int>(i);
    switch (next_step(connector.tasks[i], pause, connector.next_plan.has_value())) {
      case TaskStep::kNone:
        break;
      case TaskStep::kStart:
        start_task(connector, index);
        break;
      case TaskStep::kStop:
        stop_task(connector, index);
        break;
      case TaskStep::kPause:
      case TaskStep::kResume:
        pause_task(connector, index, pause);
        break;
    }
  }
}

void Herder::ask_task(Connector& connector, int index, Message question, std::int64_t deadline_ms,
                      std::string what,
                      std::function<void(Connector&, Task&, Result<Message>)> then) {
  auto& task = connector.tasks[static_cast<std::size_t>(index)];
  task.busy = true;
  const auto epoch = ++task.epoch;
  supervisor_->ask(
      connector.name, connector.generation, std::move(question), deadline_ms, std::move(what),
      [this, name = connector.name, generation = connector.generation, index, epoch,
       then = std::move(then)](Result<Message> answer) {
        post(
            [this, name, generation, index, epoch, then, answer = std::move(answer)]() mutable {
              auto* it = find(name, generation);
              if (it == nullptr || static_cast<std::size_t>(index) >= it->tasks.size()) return;
              auto& asked = it->tasks[static_cast<std::size_t>(index)];
              if (asked.epoch != epoch) return;
              asked.busy = false;
              if (it->runner != Connector::Runner::kReady)
                return;  // on its way out: nothing it says counts
              if (!answer && answer.error().code == Errc::kUnavailable)
                return;  // the runner ended, and that is reported apart
              then(*it, asked, std::move(answer));
              reconcile(*it);
            },
            kEventsMax);
      });
}

void Herder::start_task(Connector& connector, int index) {
  auto& task = connector.tasks[static_cast<std::size_t>(index)];
  const bool pause = connector.target == TargetState::kPaused;
  if (task.state != "UNASSIGNED") task.state = "RESTARTING";
  task.restart_wanted = false;
  task.given_up = false;
  task.retry_at_ms.reset();
  task.in_runner = true;
  task.paused = pause;
  task.generation = connector.config_generation;
  task.forget_progress();
  task.metrics.clear();
  message::StartTask start;
  start.task = index;
  start.config = task_config(connector, task);
  start.paused = pause;
  ask_task(connector, index, std::move(start), options_.task_start_deadline_ms,
           "the start of task " + std::to_string(index),
           [this, index, pause](Connector& it, Task& started, Result<Message> answer) {
             if (answer && std::holds_alternative<message::Started>(*answer)) {
               if (!started.in_runner) return;  // failed again between its answer and now
               started.state = pause ? "PAUSED" : "RUNNING";
               started.trace.clear();
               spdlog::info("connector {} task {} {}", it.name, index,
                            pause ? "started, paused" : "started");
               return;
             }
             const auto* failed = answer ? std::get_if<message::Failed>(&*answer) : nullptr;
             const auto text = !answer             ? answer.error().text
                               : failed != nullptr ? failed->text
                                                   : "the start was answered with something else";
             task_failed(it, index, text, failed == nullptr || !failed->retriable, false);
           });
}

void Herder::stop_task(Connector& connector, int index) {
  connector.tasks[static_cast<std::size_t>(index)].forget_progress();
  ask_task(connector, index, message::StopTask{index, options_.task_stop_deadline_ms},
           options_.task_stop_deadline_ms + kStopGraceMs,
           "the stop of task " + std::to_string(index),
           [index](Connector& it, Task& task, const Result<Message>& answer) {
             const auto* stopped = answer ? std::get_if<message::Stopped>(&*answer) : nullptr;
             if (stopped == nullptr || !stopped->drained) {
               spdlog::warn(
                   "connector {} task {} stopped before all that it had read was delivered and "
                   "stored; the rest comes again",
                   it.name, index);
             }
             task.in_runner = false;
             task.stalled.clear();
             task.forget_progress();
             if (!task.restart_wanted) task.state = "UNASSIGNED";
           });
}

void Herder::pause_task(Connector& connector, int index, bool pause) {
  Message question = message::ResumeTask{index};
  if (pause) question = message::PauseTask{index};
  ask_task(connector, index, std::move(question), options_.plugin_deadline_ms,
           pause ? "pause" : "resume",
           [this, index, pause](Connector& it, Task& task, const Result<Message>& answer) {
             const auto* failed = answer ? std::get_if<message::Failed>(&*answer) : nullptr;
             if (failed != nullptr) return task_failed(it, index, failed->text, false, false);
             task.paused = pause;
             if (task.in_runner) task.state = pause ? "PAUSED" : "RUNNING";
           });
}

void Herder::task_failed(Connector& connector, int index, std::string text, bool fatal,
                         bool budget_free) {
  auto& task = connector.tasks[static_cast<std::size_t>(index)];
  const auto now = clock_.steady_ms();
  const auto records = task.metrics.find("records");
  if (records != task.metrics.end() && records->second > 0) task.policy.progressed();
  std::optional<std::int64_t> wait;
  if (!fatal)
    wait = budget_free ? std::optional(task.policy.failed_outside_budget(random_))
                       : task.policy.failed(now, random_);
  task.in_runner = false;
  task.state = "FAILED";
  task.trace = masked(connector, std::move(text));
  task.stalled.clear();
  task.forget_progress();
  task.given_up = !wait;
  task.retry_at_ms = wait ? std::optional(now + *wait) : std::nullopt;
  if (wait) ++task.restarts;
  spdlog::error("connector {} task {} failed{}: {}", connector.name, index,
                wait ? ", next try in " + std::to_string(*wait) + " ms"
                     : std::string(" and is not tried again"),
                task.trace);
}

void Herder::heard(Connector& connector, Message message) {
  // What a runner says on its way out is of no connector any more: who asks for the next one's
  // state must not get this.
  if (connector.runner != Connector::Runner::kReady) return;
  const auto task_at = [&](int index) -> Task* {
    return index >= 0 && static_cast<std::size_t>(index) < connector.tasks.size()
               ? &connector.tasks[static_cast<std::size_t>(index)]
               : nullptr;
  };
  if (auto* metrics = std::get_if<message::Metrics>(&message)) {
    if (auto* task = task_at(metrics->task)) task->metrics = std::move(metrics->values);
    return;
  }
  if (const auto* caught_up = std::get_if<message::CaughtUp>(&message)) {
    auto* task = task_at(caught_up->task);
    if (task != nullptr && task->in_runner && !task->restart_wanted) {
      task->caught_up = caught_up->caught_up;
      task->finished = caught_up->finished;
    }
    return;
  }
  if (auto* failed = std::get_if<message::TaskFailed>(&message)) {
    auto* task = task_at(failed->task);
    if (task == nullptr || !task->in_runner) return;
    // A question that is still open is answered by this.
    if (task->busy) {
      task->busy = false;
      ++task->epoch;
    }
    task_failed(connector, failed->task, std::move(failed->trace), failed->fatal,
                failed->budget_free);
    return reconcile(connector);
  }
  if (std::holds_alternative<message::Replan>(message)) {
    connector.replan_wanted = true;
    reconcile(connector);
  }
}

}  // namespace penstock::connect
