#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/unit/log/directory_fixture.h"

namespace penstock::log {
namespace {

using testing::kFirstLog;
using testing::kTopic;
using testing::make_batch;

/// Segments of two records each, durable.
class Removal : public testing::Directory {
 protected:
  void SetUp() override {
    config_.segment_bytes = 100;
    config_.retention_ms = -1;
  }
  void fill(int segments) {
    open("boot");
    open_log();
    for (int i = 0; i < segments; ++i) append(2);
    flush();
    ASSERT_EQ(log_->segment_count(), static_cast<std::size_t>(segments));
  }
  RemovalTask begin(Offset to) {
    auto task = log_->begin_truncate_prefix(to);
    EXPECT_TRUE(task && *task);
    return std::move(**task);
  }
  Status remove(Offset to) {
    PENSTOCK_ASSIGN_OR_RETURN(auto task, log_->begin_truncate_prefix(to));
    if (!task) return {};
    const Status ran = task->run();
    return log_->apply_removal(*task, ran).map([](const auto&) {});
  }
  Status unlink() {
    auto task = log_->begin_unlink();
    if (!task) return {};
    Status ran = task->run(system_);
    log_->apply_unlink(*task, ran);
    return ran;
  }
  /// Every record from the start to the end can be read.
  void expect_whole(Offset end) {
    EXPECT_EQ(log_->end(), end);
    Offset at = log_->start();
    while (at < log_->end()) {
      const auto read = log_->read(at, 1, log_->end(), true);
      ASSERT_TRUE(read) << read.error().text;
      ASSERT_EQ(read->ranges.size(), 1U);
      const auto batch =
          record::BatchView::parse(ByteView(testing::read_bytes(read->ranges.front())));
      ASSERT_TRUE(batch);
      at = batch->header().last_offset() + 1;
    }
  }
  int files_with(const std::string& suffix) const {
    int count = 0;
    for (const auto& [name, inode] : system_.files)
      count += name.size() > suffix.size() &&
               name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0;
    return count;
  }
};

TEST_F(Removal, TheLogIsAsBeforeUntilItIsApplied) {
  fill(5);
  RemovalTask task = begin(Offset(5));
  ASSERT_TRUE(task.run());
  EXPECT_EQ(log_->start(), Offset(0));
  EXPECT_TRUE(log_->read(Offset(0), 1, log_->end(), true));
  append(2);  // goes on meanwhile
  const auto removed = log_->apply_removal(task, {});
  ASSERT_TRUE(removed);
  EXPECT_EQ(removed->segments, 2);
  EXPECT_EQ(log_->start(), Offset(5));
  EXPECT_EQ(files_with(".deleted"), 0);
  ASSERT_TRUE(unlink());
  EXPECT_EQ(files_with(".log.deleted"), 2);
  clock_.now_ms += config_.file_delete_delay_ms;
  ASSERT_TRUE(unlink());
  EXPECT_EQ(files_with(".deleted"), 0);
  EXPECT_FALSE(log_->has_names_to_remove());
  expect_whole(Offset(12));
}

TEST_F(Removal, OneThatFailsLeavesTheLogAsItWas) {
  fill(5);
  RemovalTask task = begin(Offset(5));
  system_.bytes_max = system_.used_bytes();
  const Status ran = task.run();
  ASSERT_FALSE(ran);
  EXPECT_EQ(log_->apply_removal(task, ran).error().code, Errc::kStorageFull);
  EXPECT_EQ(log_->start(), Offset(0));
  EXPECT_EQ(log_->segment_count(), 5U);
  system_.bytes_max = UINT64_MAX;
  ASSERT_TRUE(remove(Offset(5)));
  EXPECT_EQ(log_->start(), Offset(5));
}

TEST_F(Removal, OneAtATimeAndNoTruncationOrCompactionUnderIt) {
  config_.cleanup_policy = CleanupPolicy::kCompactAndDelete;
  fill(5);
  ASSERT_TRUE(*log_->cleanable(log_->end()));
  RemovalTask task = begin(Offset(5));
  EXPECT_EQ(log_->begin_truncate_prefix(Offset(6)).error().code, Errc::kBusy);
  EXPECT_FALSE(*log_->begin_retention(log_->end()));
  EXPECT_EQ(log_->truncate(Offset(4)).error().code, Errc::kBusy);
  EXPECT_FALSE(*log_->cleanable(log_->end()));
  const Status ran = task.run();
  ASSERT_TRUE(log_->apply_removal(task, ran));
  EXPECT_FALSE(*log_->cleanable(log_->end()));  // their names are still there
  ASSERT_TRUE(unlink());
  EXPECT_TRUE(*log_->cleanable(log_->end()));
  ASSERT_TRUE(log_->truncate(Offset(6)));
}

TEST_F(Removal, ATaskThatOutlivesItsLogDoesNotTouchTheNextOneOfItsName) {
  fill(5);
  RemovalTask removal = begin(Offset(5));
  ASSERT_TRUE(directory_->delete_log(std::move(log_)));
  id_ = Uuid::random();
  fill(3);
  EXPECT_EQ(removal.run().error().code, Errc::kCancelled);
  ASSERT_TRUE(remove(Offset(4)));
  auto names = log_->begin_unlink();
  ASSERT_TRUE(names);
  ASSERT_TRUE(directory_->delete_log(std::move(log_)));
  id_ = Uuid::random();
  fill(3);
  EXPECT_EQ(names->run(system_).error().code, Errc::kCancelled);
  EXPECT_EQ(log_->start(), Offset(0));
  EXPECT_TRUE(system_.files.contains(kFirstLog));
  expect_whole(Offset(6));
  ASSERT_TRUE(directory_->write_checkpoints(checkpoints()));
  open("boot");
  open_log();
  EXPECT_EQ(log_->start(), Offset(0)) << "the old topic's log start came back";
  expect_whole(Offset(6));
}

TEST_F(Removal, AFlushThatOutlivesItsLogLeavesNoSnapshotToTheNextOne) {
  open("boot");
  open_log();
  append(2);
  clock_.now_ms += 10'000;
  auto flush = log_->begin_flush();
  ASSERT_TRUE(flush);
  flush->snapshot =
      FlushTask::Snapshot{std::string(kTopic) + "/00000000000000000002.snapshot", {}, ""};
  ASSERT_TRUE(directory_->delete_log(std::move(log_)));
  id_ = Uuid::random();
  open_log();
  ASSERT_TRUE(flush->run(system_));
  EXPECT_FALSE(system_.files.contains(std::string(kTopic) + "/00000000000000000002.snapshot"));
}

TEST_F(Removal, RetentionTakesManySegmentsInPieces) {
  fill(150);
  config_.retention_bytes = 0;
  log_->set_config(config_);
  auto task = log_->begin_retention(log_->end());
  ASSERT_TRUE(task && *task);
  EXPECT_EQ((*task)->candidates.size(), RemovalTask::kCandidatesMax);
  const Status ran = (*task)->run();
  const auto removed = log_->apply_removal(**task, ran);
  ASSERT_TRUE(removed);
  EXPECT_EQ(removed->segments, static_cast<int>(RemovalTask::kCandidatesMax));
  EXPECT_TRUE(removed->more);
  EXPECT_EQ(*log_->apply_retention(log_->end()),
            149 - static_cast<int>(RemovalTask::kCandidatesMax));
  EXPECT_EQ(log_->segment_count(), 1U);
}

TEST_F(Removal, AnActiveSegmentThatGrewMeanwhileStays) {
  fill(3);
  config_.retention_ms = 1000;
  log_->set_config(config_);
  clock_.now_ms += 5000;
  auto task = log_->begin_retention(log_->end());
  ASSERT_TRUE(task && *task);
  const Status ran = (*task)->run();
  EXPECT_TRUE((*task)->roll);
  config_.segment_bytes = 10'000;
  log_->set_config(config_);
  append(1);
  const auto removed = log_->apply_removal(**task, ran);
  ASSERT_TRUE(removed);
  EXPECT_EQ(removed->segments, 2);
  EXPECT_FALSE(removed->more);
  EXPECT_EQ(log_->start(), Offset(4));
  expect_whole(Offset(7));
}

TEST_F(Removal, ACheckOfTimesAfterAStartIsThePoolsAndIsKept) {
  fill(4);
  stop();
  open("boot");
  open_log();
  config_.retention_ms = 1000;
  log_->set_config(config_);
  clock_.now_ms += 500;
  auto task = log_->begin_retention(log_->end());
  ASSERT_TRUE(task && *task);
  EXPECT_TRUE((*task)->candidates.front().twin);
  const Status ran = (*task)->run();
  ASSERT_TRUE(log_->apply_removal(**task, ran));
  EXPECT_EQ(log_->segment_count(), 4U);
  clock_.now_ms += 1500;
  EXPECT_EQ(*log_->apply_retention(log_->end()), 4);
  EXPECT_EQ(log_->start(), log_->end());
}

TEST_F(Removal, DamageThatRetentionMeetsIsNoted) {
  fill(4);
  stop();
  system_.files.at(kFirstLog)->now[70] ^= std::byte{1};
  open("boot");
  open_log();
  config_.retention_ms = 1000;
  log_->set_config(config_);
  clock_.now_ms += 5000;
  auto task = log_->begin_retention(log_->end());
  ASSERT_TRUE(task && *task);
  const Status ran = (*task)->run();
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, Errc::kCorrupt);
  ASSERT_FALSE(log_->apply_removal(**task, ran));
  EXPECT_EQ(log_->start(), Offset(0));
  log_->set_offline(ran.error());
  EXPECT_TRUE(system_.files.contains(std::string(kTopic) + "/damaged-segment"));
}

/// DeleteRecords and the removal of its files, dying before each change of a file in turn.
class CrashInRemoval : public Removal, public ::testing::WithParamInterface<int> {};

TEST_P(CrashInRemoval, RecoversAtEveryFileOperation) {
  const bool power = GetParam() > 0;
  std::mt19937_64 random(static_cast<std::uint64_t>(GetParam()));
  bool died = true;
  for (std::uint64_t at = 0; died; ++at) {
    SCOPED_TRACE("operation " + std::to_string(at));
    log_.reset();
    directory_.reset();
    system_.~SimFileSystem();
    new (&system_) testing::SimFileSystem();
    ASSERT_NO_FATAL_FAILURE(fill(6));
    ASSERT_TRUE(directory_->write_checkpoints(checkpoints()));
    system_.operations_left = at;
    const bool answered = remove(Offset(7)).has_value();
    bool unlinked = unlink().has_value();
    clock_.now_ms += config_.file_delete_delay_ms;
    unlinked = unlink().has_value() && unlinked && files_with(".deleted") == 0;
    died = !answered || !unlinked;
    log_.reset();
    directory_.reset();
    system_.operations_left = UINT64_MAX;
    if (power) system_.lose_power(random);
    open(power ? "other" : "boot");
    ASSERT_NO_FATAL_FAILURE(open_log());
    if (answered) {
      EXPECT_EQ(log_->start(), Offset(7));
    }
    EXPECT_TRUE(log_->start() == Offset(0) || log_->start() == Offset(7)) << log_->start().value;
    ASSERT_NO_FATAL_FAILURE(expect_whole(Offset(12)));
    // What the crash left below the start is no part of the log, and its files go.
    EXPECT_EQ(log_->segment_count(), log_->start() == Offset(7) ? 3U : 6U);
    log_->unlink_deleted();
    EXPECT_EQ(system_.files.contains(kFirstLog), log_->start() == Offset(0));
    append(2);
    expect_whole(Offset(14));
    ASSERT_LT(at, 200U);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, CrashInRemoval, ::testing::Range(0, 6));

}  // namespace
}  // namespace penstock::log
