#pragma once

#include <functional>
#include <string>
#include <vector>

#include "framework/connect/worker/worker_settings.h"

namespace penstock::connect {

/// Runs a standalone worker until `wait_for_stop` returns. `connectors` are created when it listens; one that is refused ends it.
/// `ready` gets the REST address. From start to stop in one function, on the calling thread.
Status run_worker(WorkerSettings settings, std::vector<std::pair<std::string, Herder::Put>> connectors,
                  const std::function<void(const std::string&)>& ready, const std::function<void()>& wait_for_stop);

}  // namespace penstock::connect
