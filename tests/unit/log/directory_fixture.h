#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "framework/log/log_directory.h"
#include "tests/unit/log/batches.h"
#include "tests/unit/log/manual_clock.h"
#include "tests/unit/log/sim_file_system.h"

namespace penstock::log::testing {

inline constexpr const char* kTopic = "/data/events-0";
inline constexpr const char* kFirstLog = "/data/events-0/00000000000000000000.log";

/// A log directory with one partition, on a disk that can be damaged.
class Directory : public ::testing::Test {
 protected:
  void open(const std::string& boot, bool assume_power_cut = false) {
    log_.reset();
    directory_.reset();
    LogDirectory::Options options;
    options.path = "/data";
    options.cluster_id = "cluster";
    options.boot_id = boot;
    options.assume_power_cut = assume_power_cut;
    options.reserve_bytes = 0;
    auto directory = LogDirectory::open(system_, clock_, options);
    ASSERT_TRUE(directory) << directory.error().text;
    directory_ = std::move(*directory);
  }
  Result<std::unique_ptr<Log>> open_events() {
    report_ = {};
    return directory_->open_log("events", PartitionId(0), id_, config_, report_);
  }
  void open_log() {
    auto log = open_events();
    ASSERT_TRUE(log) << log.error().text;
    log_ = std::move(*log);
  }
  void append(int records) {
    auto batch = make_batch(records, clock_.now_ms);
    ASSERT_TRUE(log_->append(batch, LeaderEpoch(0)));
  }
  void flush() {
    const auto task = log_->begin_flush();
    ASSERT_TRUE(task);
    ASSERT_TRUE(task->run(system_));
    log_->apply_flush(*task);
  }
  std::vector<LogDirectory::Checkpoint> checkpoints() const {
    return {{"events", PartitionId(0), id_, log_->flushed_end(), log_->start(), log_->end(),
             std::nullopt, log_->size_bytes()}};
  }
  void stop() {
    ASSERT_TRUE(log_->close());
    ASSERT_TRUE(directory_->close_clean(checkpoints()));
  }
  void drop_tail(std::size_t bytes) {
    auto& now = system_.files.at(kFirstLog)->now;
    now.resize(now.size() - bytes);
  }

  SimFileSystem system_;
  ManualClock clock_;
  LogConfig config_;
  RecoveryReport report_;
  Uuid id_ = Uuid::random();
  std::unique_ptr<LogDirectory> directory_;
  std::unique_ptr<Log> log_;
};

}  // namespace penstock::log::testing
