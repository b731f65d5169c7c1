#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/unit/log/batches.h"
#include "tests/unit/log/manual_clock.h"
#include "tests/unit/log/sim_file_system.h"

namespace penstock::log {
namespace {

using testing::make_batch;

class Retention : public ::testing::Test {
 protected:
  void fill(int batches) {
    config_.segment_bytes = 200;
    RecoveryReport report;
    auto log = Log::open(system_, clock_, "/data/topic-0", config_, {}, report);
    ASSERT_TRUE(log) << log.error().text;
    log_ = std::move(*log);
    for (int i = 0; i < batches; ++i) {
      auto batch = make_batch(2, clock_.now_ms + 100 * i);
      ASSERT_TRUE(log_->append(batch, LeaderEpoch(0)));
    }
  }
  void flush() {
    const auto task = log_->begin_flush();
    ASSERT_TRUE(task);
    ASSERT_TRUE(task->run(system_));
    log_->apply_flush(*task);
  }

  testing::SimFileSystem system_;
  testing::ManualClock clock_;
  LogConfig config_;
  std::unique_ptr<Log> log_;
};

TEST_F(Retention, ByTimeRemovesWhatIsOldAndKeepsARolledLogAppendable) {
  config_.retention_ms = 1000;
  fill(10);
  clock_.now_ms += 1500;
  const auto removed = log_->apply_retention(log_->end());
  ASSERT_TRUE(removed) << removed.error().text;
  EXPECT_GT(*removed, 0);
  EXPECT_GT(log_->start(), Offset(0));
  EXPECT_LT(log_->start(), log_->end());
  clock_.now_ms += 100'000;
  ASSERT_TRUE(log_->apply_retention(log_->end()));
  EXPECT_EQ(log_->start(), log_->end());
  EXPECT_EQ(log_->end(), Offset(20));
  auto batch = make_batch(1, clock_.now_ms);
  EXPECT_EQ(log_->append(batch, LeaderEpoch(0))->base_offset, Offset(20));
}

TEST_F(Retention, BySizeStopsAtTheHighWatermark) {
  config_.retention_bytes = 0;
  config_.retention_ms = -1;
  fill(10);
  ASSERT_TRUE(log_->apply_retention(Offset(5)));
  EXPECT_LE(log_->start(), Offset(5));
  EXPECT_GT(log_->start(), Offset(0));
}

TEST_F(Retention, FilesAreUnlinkedAfterTheDelayAndOpenRangesStayReadable) {
  fill(10);
  const auto read = log_->read(Offset(0), 1, log_->end(), true);
  ASSERT_TRUE(read);
  const auto before = testing::read_bytes(read->ranges[0]);
  ASSERT_TRUE(log_->truncate_prefix(Offset(15)));
  EXPECT_TRUE(log_->unlink_deleted());
  clock_.now_ms += config_.file_delete_delay_ms;
  EXPECT_FALSE(log_->unlink_deleted());
  for (const auto& [name, inode] : system_.files)
    EXPECT_EQ(name.find(".deleted"), std::string::npos) << name;
  EXPECT_EQ(testing::read_bytes(read->ranges[0]), before);
}

TEST_F(Retention, FewFilesStayOpen) {
  config_.retention_ms = -1;
  fill(200);
  flush();
  for (Offset at(0); at < log_->end(); at = at + 2)
    ASSERT_TRUE(log_->read(at, 1, log_->end(), true));
  EXPECT_LT(system_.open_files, 40);
}

TEST_F(Retention, TheLargestTimestampIsFoundAcrossSegments) {
  fill(6);
  auto old = make_batch(1, 5);
  ASSERT_TRUE(log_->append(old, LeaderEpoch(0)));
  const auto found = log_->find_max_timestamp(log_->end());
  ASSERT_TRUE(found);
  ASSERT_TRUE(*found);
  EXPECT_EQ((*found)->offset, Offset(11));
  EXPECT_EQ((*found)->timestamp_ms, clock_.now_ms + 501);
  EXPECT_EQ((*log_->find_max_timestamp(Offset(4)))->offset, Offset(3));
}

TEST_F(Retention, AbortedTransactionsAreListedForTheRangeTheyTouch) {
  fill(1);
  record::BatchBuilder::Options options;
  options.producer_id = ProducerId(5);
  options.producer_epoch = ProducerEpoch(0);
  options.base_sequence = 0;
  options.transactional = true;
  auto data = make_batch(2, 2000, "t", options);
  ASSERT_TRUE(log_->append(data, LeaderEpoch(0)));
  options.control = true;
  options.base_sequence = -1;
  record::BatchBuilder marker(options);
  marker.add(2001, std::string_view("\0\0\0\0", 4), std::string_view("\0\0\0\0\0\1", 6));
  auto abort = marker.finish();
  ASSERT_TRUE(log_->append(abort, LeaderEpoch(0)));
  const auto all = log_->aborted(Offset(0), log_->end());
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 1U);
  EXPECT_EQ(all->front().first, Offset(2));
  EXPECT_EQ(all->front().last, Offset(4));
  EXPECT_TRUE(log_->aborted(Offset(0), Offset(2))->empty());
}

/// Batches a second apart; the offset at which the second segment begins.
Offset first_roll(testing::SimFileSystem& system, testing::ManualClock& clock,
                  const std::string& directory, const LogConfig& config) {
  RecoveryReport report;
  auto log = Log::open(system, clock, directory, config, {}, report);
  const std::int64_t begin = clock.now_ms;
  for (int i = 0; (*log)->segment_count() < 2; ++i) {
    auto batch = make_batch(1, begin + 1000 * i);
    if (!(*log)->append(batch, LeaderEpoch(0))) break;
  }
  return (*log)->end();
}
TEST_F(Retention, JitterRollsEachLogAtItsOwnTimeButNoLaterThanWithout) {
  config_.segment_ms = 100'000;
  EXPECT_EQ(first_roll(system_, clock_, "/data/plain-0", config_), Offset(102));
  config_.segment_jitter_ms = 90'000;
  std::set<Offset> rolls;
  for (int i = 0; i < 8; ++i) {
    const Offset roll = first_roll(system_, clock_, "/data/t-" + std::to_string(i), config_);
    EXPECT_LE(roll, Offset(102));
    EXPECT_GE(roll, Offset(11));
    rolls.insert(roll);
  }
  EXPECT_GT(rolls.size(), 4U);
}

}  // namespace
}  // namespace penstock::log
