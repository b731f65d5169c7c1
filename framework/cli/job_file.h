#pragma once

#include <map>
#include <string>
#include <vector>

#include "framework/base/error.h"

namespace penstock::cli {

struct JobConnector {
  std::string name;
  std::map<std::string, std::string> config;  // numbers and booleans become text, as Connect does
  std::string initial_state;                  // KIP-980: RUNNING, PAUSED or STOPPED; "" for none
};
struct JobTopic {
  std::string name;
  int partitions = -1;  // -1: the broker's default
  int replication_factor = -1;
  std::map<std::string, std::string> config;
};
struct Job {
  std::vector<JobConnector> connectors;
  std::vector<JobTopic> topics;
};

/// Reads
/// {"connectors":[{"name","config"}...],"topics":[{"name","partitions","replication.factor","config"}...]},
/// or one plain Connect body {"name","config","initial_state"}; "tasks" and "type", which a worker
/// adds when it shows a connector, are passed over. All problems at once, a line each, with the
/// file's name; JSON errors say line and column.
Result<Job> read_job_file(const std::string& path);
Result<Job> parse_job(const std::string& text, const std::string& path);

}  // namespace penstock::cli
