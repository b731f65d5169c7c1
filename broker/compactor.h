#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/topics.h"
#include "framework/base/error.h"
#include "framework/log/compaction.h"

namespace penstock::broker {

class Broker;

/// Compacts the logs whose cleanup.policy says so: each owner names its dirtiest, the dirtiest of
/// all is compacted on the pool, one at a time; without anything to do it rests for
/// log.cleaner.backoff.ms. Lives on the control thread.
class Compactor {
 public:
  explicit Compactor(Broker& broker);
  /// Control thread, both. After stop() nothing new begins.
  void start();
  void stop() { stopped_ = true; }

 private:
  struct Candidate {
    PartitionRef handle;
    double ratio = -1;  // 2: max.compaction.lag.ms has passed
  };
  struct Round;
  void look();
  void rest();
  void choose(const Round& round);
  void begin(const PartitionRef& handle);
  void apply(const PartitionRef& handle, const log::CompactionTask& task, const Status& ran);
  void report(const PartitionRef& handle, const Status& status);
  using Names = std::set<std::pair<std::string, std::int32_t>>;
  static Candidate dirtiest_of(const std::vector<PartitionRef>& partitions,
                               const Names& left_alone);

  Broker& broker_;
  bool stopped_ = false;
  Names left_alone_;  // damaged: until a restart
};

}  // namespace penstock::broker
