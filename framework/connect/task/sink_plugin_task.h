#pragma once

#include <mutex>

#include "framework/connect/task/sink_loop.h"

namespace penstock::connect {

/// The plugin's object. The mutex keeps stop(), from another thread, and destruction apart.
struct SinkLoop::PluginTask {
  std::mutex mutex;
  plugin::Instance<SinkTask> task;  // changed under mutex, by the task's thread only
};

}  // namespace penstock::connect
