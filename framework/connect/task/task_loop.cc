#include "framework/connect/task/task_loop.h"

#include <utility>

#include "framework/connect/task/sink_loop.h"
#include "framework/connect/task/source_loop.h"

namespace penstock::connect {

std::unique_ptr<TaskLoop> make_task_loop(TaskSetup setup) {
  if (setup.descriptor->kind == PluginKind::kSource)
    return std::make_unique<SourceLoop>(std::move(setup));
  return std::make_unique<SinkLoop>(std::move(setup));
}

}  // namespace penstock::connect
