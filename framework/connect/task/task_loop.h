#pragma once

#include <memory>

#include "framework/connect/task/task_setup.h"

namespace penstock::connect {

/// A task from start to end.
class TaskLoop {
 public:
  virtual ~TaskLoop() = default;
  /// The whole life, on the calling thread. Everything that belongs to the plugin's task is gone
  /// when this returns.
  virtual TaskEnd run(const OnStarted& started) = 0;
  /// Another thread: the plugin's own stop(), once the task exists. The signal's stop() comes
  /// first. May block as long as the plugin does.
  virtual void stop_plugin() noexcept = 0;
};

/// A source's or a sink's loop, as the descriptor says.
std::unique_ptr<TaskLoop> make_task_loop(TaskSetup setup);

}  // namespace penstock::connect
