#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "framework/base/error.h"
#include "framework/cli/cluster.h"
#include "framework/cli/job_file.h"
#include "framework/cli/rest_client.h"

namespace penstock::cli {

/// How far one sink is in one topic; summed over partitions.
struct SinkTopicProgress {
  std::int64_t consumed = 0;  // handed to the plugin
  std::int64_t stored = 0;    // committed: durable in the outside system
  std::int64_t dead_lettered = 0;
};

struct ConnectorProgress {
  std::string name;
  bool source = false;
  std::string state;          // of the connector
  int tasks = 0;
  int tasks_running = 0;
  int restarts = 0;
  std::int64_t records = 0;
  std::int64_t dead_letters = 0;
  bool caught_up = false;     // sources: every task said so, with all its records acknowledged
  std::string failure;        // a task failed for good: its trace
  std::map<std::string, SinkTopicProgress> topics;  // sinks
  std::map<PartitionKey, std::int64_t> positions;   // sinks: the next record that the plugin will be handed
};

struct JobProgress {
  std::vector<ConnectorProgress> connectors;
  std::map<std::string, std::int64_t> produced;  // topic -> records between its first and end offsets
  std::int64_t produced_total = 0;
  std::int64_t lag = 0;       // records in topics that some sink has not stored yet, the largest over the sinks
  bool sources_done = false;
  bool done = false;
  std::string failure;
};

/// Asks worker and cluster how far a job is. Not thread-safe.
class JobWatch {
 public:
  JobWatch(const Job& job, RestClient& worker, Cluster& cluster) : job_(job), worker_(worker), cluster_(cluster) {}

  /// kUnavailable or kBusy when worker or broker does not answer now (it may be starting or restarting).
  Result<JobProgress> look();

 private:
  Result<ConnectorProgress> look_at(const JobConnector& connector);
  Result<std::vector<std::string>> topics_of(const JobConnector& sink, const std::vector<TopicInfo>& all) const;
  Status look_at_topics(JobProgress& progress);

  const Job& job_;
  RestClient& worker_;
  Cluster& cluster_;
};

}  // namespace penstock::cli
