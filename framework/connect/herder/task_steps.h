#pragma once

#include <cstdint>
#include <vector>

#include "framework/connect/herder/connector.h"

// What the tasks of a connector need next: decided from the herder's picture alone, nothing is
// asked. Only the herder's files include this.
namespace penstock::connect {

enum class TaskStep : std::uint8_t { kNone, kStart, kStop, kPause, kResume };

/// `pause`: the connector is to be paused. `handover`: another plan waits for the end of all its
/// tasks.
TaskStep next_step(const HerdedTask& task, bool pause, bool handover);

/// Each task has what `plan` gives it.
bool is_as_planned(const std::vector<HerdedTask>& tasks, const std::vector<StringMap>& plan);

/// Nothing of any task runs, so whatever one of them read from may be given to another.
bool all_ended(const std::vector<HerdedTask>& tasks);

/// Gives tasks that have ended what `plan` says. One with another configuration is another task:
/// that the one before it had failed does not count.
void take_over(std::vector<HerdedTask>& tasks, std::vector<StringMap> plan,
               const RestartPolicy::Options& restart);

}  // namespace penstock::connect
