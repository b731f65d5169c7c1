#pragma once

#include <string>
#include <vector>

#include "framework/connect/herder/herder.h"
#include "framework/connect/supervise/supervisor.h"

namespace penstock::connect {

/// The worker's settings, checked.
struct WorkerSettings {
  std::string listen_host;
  int listen_port = 0;
  std::string advertised_host;  // "" the listener's
  int advertised_port = 0;      // 0 the listener's
  std::string state_dir;
  std::string log_level;
  Herder::Options herder;
  Supervisor::Options supervisor;
};

/// `program_folder` is where penstock-connect is: the runner is beside it, plugins in ../plugins.
/// kInvalid lists all problems, one a line.
Result<WorkerSettings> read_worker_settings(const StringMap& given,
                                            const std::string& program_folder);

}  // namespace penstock::connect
