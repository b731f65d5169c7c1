#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "framework/base/error.h"

struct rd_kafka_s;

namespace penstock::cli {

struct TopicInfo {
  std::string name;
  int partitions = 0;
  int replication_factor = 0;
};
/// [first, end) of one partition.
struct PartitionEnds {
  std::int64_t first = 0;
  std::int64_t end = 0;
};
struct GroupMember {
  std::string id, client_id, host;
};
struct GroupInfo {
  std::string name, state, protocol_type;
  std::vector<GroupMember> members;
};
using PartitionKey = std::pair<std::string, int>;

/// What the command line asks of a cluster, over librdkafka. Calls block for at most the time given
/// to open(). Not thread-safe.
class Cluster {
 public:
  static Result<Cluster> open(const std::string& bootstrap, int timeout_ms = 10'000);
  Cluster(Cluster&&) noexcept;
  Cluster& operator=(Cluster&&) noexcept;
  ~Cluster();

  Result<std::string> id();
  /// Internal topics (two leading underscores) included.
  Result<std::vector<TopicInfo>> topics();
  Result<TopicInfo> topic(const std::string& name);
  /// kExists when it is there already.
  Status create_topic(const std::string& name, int partitions, int replication_factor,
                      const std::map<std::string, std::string>& config);
  Status delete_topic(const std::string& name);
  Result<PartitionEnds> ends(const std::string& topic, int partition);
  Result<std::vector<GroupInfo>> groups();
  /// Committed offsets of `group`; -1 where it has none.
  Result<std::map<PartitionKey, std::int64_t>> committed(
      const std::string& group, const std::vector<PartitionKey>& partitions);
  Status delete_group(const std::string& name);

 private:
  Cluster(std::string bootstrap, int timeout_ms, rd_kafka_s* client);
  std::string bootstrap_;
  int timeout_ms_;
  rd_kafka_s* client_;
  std::map<std::string, rd_kafka_s*>
      group_clients_;  // a consumer for each group asked about: its coordinator stays known
};

}  // namespace penstock::cli
