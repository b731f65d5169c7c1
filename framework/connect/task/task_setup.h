#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "framework/base/error.h"
#include "framework/connect/channel/messages.h"
#include "framework/connect/channel/task_page.h"
#include "framework/connect/task/task_link.h"
#include "penstock/descriptor.h"
#include "penstock/plugin.h"

namespace penstock::connect {

/// All that a task is made of. What is pointed to outlives the task.
struct TaskSetup {
  const ConnectorDescriptor* descriptor = nullptr;
  const Config* plugin_config = nullptr;
  std::string connector;
  int task = 0;
  std::string instance_id;  // of the worker, see Hello; "" joins groups as a dynamic member
  ConfigMap config;         // the connector's, the task's, and the worker's converters as defaults
  ConfigMap client;         // the worker's Kafka client settings
  std::size_t block_records = 2'000;
  std::size_t block_bytes = std::size_t{1} << 20;
  std::size_t in_flight_bytes = std::size_t{16} << 20;
  TaskPage* page = nullptr;
  TaskLink* link = nullptr;
  TaskSignal* signal = nullptr;
};

/// Told once, when start() is over: whether the task runs, and if not whether trying again may
/// help.
using OnStarted = std::function<void(const Status& started, bool retriable)>;

/// Settings that this version does not have, refused rather than ignored.
Status refuse_unavailable(const ConfigMap& config);

}  // namespace penstock::connect
