#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <vector>

#include "framework/base/error.h"
#include "framework/cli/cluster.h"
#include "framework/cli/job_file.h"
#include "framework/cli/rest_client.h"

namespace penstock::cli {

/// One sink in one topic since the job was submitted, summed over partitions.
struct SinkTopicProgress {
  bool exists = false;
  std::int64_t consumed = 0;  // the group's committed offset moved by so many records
  std::int64_t dead_lettered = 0;
  std::int64_t skipped = 0;  // errors.tolerance=all without a dead letter queue
  /// Durable in the outside system.
  [[nodiscard]] std::int64_t stored() const { return consumed - dead_lettered - skipped; }
};

struct TopicProgress {
  std::int64_t in_topic = 0;  // records between its first and its end offset
  std::int64_t produced = 0;  // its end moved by so many since the job was submitted
};

struct ConnectorProgress {
  std::string name;
  bool source = false;
  bool running = false;  // the worker knows its type and has planned its tasks
  int restarts = 0;
  std::int64_t dead_letters = 0;
  std::int64_t skipped = 0;
  bool caught_up = false;  // sources: every task said so, with all its records acknowledged
  std::string failure;     // a task failed for good: its trace
  std::map<std::string, SinkTopicProgress> topics;  // sinks
  /// Nothing is to be waited for but what its topics still hold.
  [[nodiscard]] bool settled() const { return source ? caught_up : running; }
};
/// What the worker's answer says, without the tasks' counters.
ConnectorProgress connector_progress(const std::string& name, const nlohmann::json& answer);

struct JobProgress {
  std::vector<ConnectorProgress> connectors;
  std::map<std::string, TopicProgress>
      topics;  // what sources wrote to and sinks read, dead letter topics too
  std::int64_t produced_total = 0;
  std::int64_t stored_total = 0;
  std::int64_t lag = 0;  // records that a sink has not stored yet, the largest over the sinks
  bool done = false;
  std::string failure;
};

/// Asks worker and cluster how far a job is. Not thread-safe.
class JobWatch {
 public:
  JobWatch(const Job& job, RestClient& worker, Cluster& cluster);

  /// Remembers where topics and groups stand; call it before the job is submitted.
  Status begin();
  /// kUnavailable or kBusy when worker or broker does not answer now (it may be starting or
  /// restarting).
  Result<JobProgress> look();

 private:
  struct Sink {
    std::string group;
    std::map<PartitionKey, std::int64_t> committed_before;
  };

  Result<ConnectorProgress> look_at(const JobConnector& connector);
  Result<std::vector<std::string>> topics_of(const JobConnector& sink,
                                             const std::vector<TopicInfo>& all) const;
  Status look_at_sink(std::size_t index, const std::vector<TopicInfo>& all, JobProgress& progress);
  Status add_topic(const std::string& name, const std::vector<TopicInfo>& all,
                   JobProgress& progress);
  /// A task's counter since the job was submitted: it begins at 0 again when the task is restarted.
  std::int64_t counted(const std::string& counter, std::int64_t now);

  struct Counter {
    std::int64_t base = 0;
    std::int64_t last = 0;
  };

  const Job& job_;
  RestClient& worker_;
  Cluster& cluster_;
  std::vector<Sink> sinks_;  // one for each connector; unused for sources
  std::set<std::string> topics_before_;
  std::map<PartitionKey, PartitionEnds> ends_before_;
  std::map<PartitionKey, PartitionEnds> ends_;  // of the present look
  std::map<std::string, Counter> counters_;
  std::map<std::string, std::int64_t> sent_;  // by the sources
};

}  // namespace penstock::cli
