#pragma once
// The connector of a database sink: checks that need more than one setting, and a connection test.

#include <stdexcept>

#include "connectors/relational/busy.h"
#include "connectors/relational/sink_settings.h"
#include "penstock/plugin.h"

namespace penstock::relational {

/// `Test` is a function (const Config&) that connects and throws; `kTasksMax` is how many tasks the
/// database can take.
template <auto Test, int kTasksMax>
class SinkConnector final : public Connector {
 public:
  void validate(const Config& config, Problems& problems) override {
    check_sink_settings(config, problems);
    try {
      Test(config);
    } catch (const BusyError&) {
      // Nothing is known to be wrong; the tasks wait.
    } catch (const std::exception& e) {
      problems.add("connection.url", e.what());
    }
  }
  /// Every task gets the whole configuration; the worker deals out the partitions.
  void tasks(const Config& config, int max, TaskConfigs& out) override {
    static_cast<void>(config);
    for (int i = 0; i < (max < kTasksMax ? max : kTasksMax); ++i) out.add();
  }
};

}  // namespace penstock::relational
