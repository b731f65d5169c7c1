#include "framework/connect/herder/task_steps.h"

#include <algorithm>
#include <utility>

namespace penstock::connect {

TaskStep next_step(const HerdedTask& task, bool pause, bool handover) {
  if (task.busy) return TaskStep::kNone;
  if (task.in_runner) {
    if (handover || task.restart_wanted) return TaskStep::kStop;
    if (task.paused == pause) return TaskStep::kNone;
    return pause ? TaskStep::kPause : TaskStep::kResume;
  }
  if (handover) return TaskStep::kNone;
  const bool wanted = task.restart_wanted || (!task.given_up && !task.retry_at_ms);
  return wanted ? TaskStep::kStart : TaskStep::kNone;
}

bool is_as_planned(const std::vector<HerdedTask>& tasks, const std::vector<StringMap>& plan) {
  return std::ranges::equal(tasks, plan, {}, &HerdedTask::config);
}

bool all_ended(const std::vector<HerdedTask>& tasks) {
  return std::ranges::none_of(tasks, &HerdedTask::in_runner);
}

void take_over(std::vector<HerdedTask>& tasks, std::vector<StringMap> plan,
               const RestartPolicy::Options& restart) {
  tasks.resize(plan.size());
  for (std::size_t i = 0; i < plan.size(); ++i) {
    auto& task = tasks[i];
    if (task.policy.attempts() == 0) task.policy = RestartPolicy(restart);
    if (task.config == plan[i]) continue;
    task.config = std::move(plan[i]);
    task.given_up = false;
    task.retry_at_ms.reset();
  }
}

}  // namespace penstock::connect
