#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "framework/connect/worker/worker_settings.h"

namespace penstock::connect {

/// Waits at most so long; true once somebody asked for a stop.
using StopAsked = std::function<bool(std::chrono::milliseconds at_most)>;

/// Runs a standalone worker until `stop_asked` says so. `connectors` are created when it listens;
/// one that is refused ends it. `ready` gets the REST address. From start to stop in one function,
/// on the calling thread.
Status run_worker(WorkerSettings settings,
                  std::vector<std::pair<std::string, Herder::Put>> connectors,
                  const std::function<void(const std::string&)>& ready,
                  const StopAsked& stop_asked);

}  // namespace penstock::connect
