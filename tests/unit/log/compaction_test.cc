#include "tests/unit/log/compaction_fixture.h"

namespace penstock::log {
namespace {

TEST_F(Compaction, KeepsTheLastRecordOfEachKeyAtItsOffset) {
  open();
  for (int i = 0; i < 300; ++i) put("k" + std::to_string(i % 7), "v" + std::to_string(i));
  const std::uint64_t before = log_->size_bytes();
  compact_fully();
  check(true);
  Records now;
  read_all(Offset(0), now);
  EXPECT_EQ(now.size(), 7U);
  EXPECT_EQ(now.rbegin()->first, 299);
  EXPECT_EQ(log_->end(), Offset(300));
  EXPECT_LT(log_->size_bytes(), before / 10);
  EXPECT_LE(log_->segment_count(), 3U);
  EXPECT_EQ(log_->cleaned_to(), Offset(300));
}

TEST_F(Compaction, NeverTouchesTheActiveSegmentNorWhatLiesBeyondTheLimit) {
  open();
  for (int i = 0; i < 100; ++i) put("k", "v" + std::to_string(i));
  flush();
  const auto range = log_->cleanable(Offset(50));
  ASSERT_TRUE(range && *range);
  EXPECT_LE((*range)->to, Offset(50));
  auto task = log_->begin_compaction(Offset(50), {});
  ASSERT_TRUE(task && *task);
  const Status ran = (*task)->run(system_);
  ASSERT_TRUE(ran) << ran.error().text;
  ASSERT_TRUE(log_->apply_compaction(**task, ran));
  flush();
  Records now;
  read_all(Offset(0), now);
  for (std::int64_t i = 50; i < 100; ++i) EXPECT_TRUE(now.contains(i)) << i;
  EXPECT_LT(now.size(), 100U);
}

TEST_F(Compaction, TombstonesStayForDeleteRetentionThenGo) {
  open();
  put("a", "1");
  put("b", "1");
  put("a", std::nullopt);
  compact_fully();
  Records now;
  std::vector<record::BatchHeader> headers;
  read_all(Offset(0), now, &headers);
  ASSERT_EQ(now.size(), 2U);
  EXPECT_FALSE(now.at(2).value);
  EXPECT_TRUE(headers.back().has_delete_horizon());
  EXPECT_EQ(headers.back().base_timestamp_ms, clock_.now_ms + 5000);
  EXPECT_EQ(now.at(2).timestamp_ms, all_.at(2).timestamp_ms);
  put("c", "1");
  compact_fully();
  now.clear();
  read_all(Offset(0), now);
  EXPECT_TRUE(now.contains(2));
  clock_.now_ms += 5001;
  put("c", "2");
  compact_fully();
  now.clear();
  read_all(Offset(0), now);
  EXPECT_FALSE(now.contains(2));
  check(true);
}

TEST_F(Compaction, AnActiveProducersLastBatchStaysAsAnEmptyHeader) {
  open();
  record::BatchBuilder::Options options;
  options.producer_id = ProducerId(9);
  options.producer_epoch = ProducerEpoch(2);
  options.base_sequence = 0;
  append({{"a", "1", 10}, {"b", "1", 11}}, options);
  put("a", "2");
  put("b", "2");
  put("c", "2");
  compact_fully();
  std::vector<record::BatchHeader> headers;
  Records now;
  read_all(Offset(0), now, &headers);
  ASSERT_FALSE(headers.empty());
  EXPECT_EQ(headers[0].record_count, 0);
  EXPECT_EQ(headers[0].producer_id, ProducerId(9));
  EXPECT_EQ(headers[0].base_sequence, 0);
  EXPECT_EQ(headers[0].last_offset(), Offset(1));
  // Without any snapshot the state comes from the batches.
  std::erase_if(system_.files, [](const auto& item) { return item.first.ends_with(".snapshot"); });
  open();
  record::BatchHeader next;
  next.producer_id = ProducerId(9);
  next.producer_epoch = ProducerEpoch(2);
  next.base_sequence = 2;
  EXPECT_EQ(log_->producers().check(next).verdict, SequenceVerdict::kAppend);
  next.base_sequence = 5;
  EXPECT_EQ(log_->producers().check(next).verdict, SequenceVerdict::kOutOfOrder);
}

TEST_F(Compaction, ASmallMapTakesSeveralRounds) {
  open();
  for (int i = 0; i < 200; ++i) put("k" + std::to_string(i % 50), "v" + std::to_string(i));
  ASSERT_TRUE(log_->roll());
  ASSERT_TRUE(compact(20 * CompactionMap::kSlotBytes));
  EXPECT_LT(log_->cleaned_to(), Offset(100));
  check();
  compact_fully(20 * CompactionMap::kSlotBytes);
  EXPECT_EQ(log_->cleaned_to(), Offset(200));
  check(true);
  Records now;
  read_all(Offset(0), now);
  // Superseded by a later round's keys only where that round met them again.
  EXPECT_EQ(last_values(now).size(), 50U);
}

TEST_F(Compaction, ALogThatWasCompactedIsSoundAfterItsPolicyBecomesDelete) {
  open();
  for (int i = 0; i < 100; ++i) put("k" + std::to_string(i % 3), "v" + std::to_string(i));
  compact_fully();
  config_.cleanup_policy = CleanupPolicy::kDelete;
  log_->set_config(config_);
  check(true);
  put("x", "1");
  flush();
  ASSERT_TRUE(checkpoint());
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(testing::scrub(*log_, 1000));
  open();
  check(true);
  open("another boot");
  check(true);
}

TEST_F(Compaction, RetentionWorksOnACompactedLog) {
  open();
  for (int i = 0; i < 100; ++i) put("k" + std::to_string(i % 3), "v" + std::to_string(i));
  compact_fully();
  config_.cleanup_policy = CleanupPolicy::kCompactAndDelete;
  config_.retention_ms = 1000;
  log_->set_config(config_);
  clock_.now_ms += 2000;
  put("k0", "new");
  const auto removed = log_->apply_retention(log_->end());
  ASSERT_TRUE(removed) << removed.error().text;
  EXPECT_GT(*removed, 0);
  EXPECT_EQ(log_->start(), Offset(100));
}

TEST_F(Compaction, SegmentsAreNotRemovedWhileTheyAreCompacted) {
  config_.cleanup_policy = CleanupPolicy::kCompactAndDelete;
  config_.retention_ms = 1000;
  open();
  for (int i = 0; i < 100; ++i) put("k" + std::to_string(i % 3), "v" + std::to_string(i));
  flush();
  auto task = log_->begin_compaction(log_->end(), {});
  ASSERT_TRUE(task && *task);
  clock_.now_ms += 2000;
  EXPECT_EQ(*log_->apply_retention(log_->end()), 0);
  ASSERT_TRUE(log_->truncate_prefix(Offset(40)));
  const Status ran = (*task)->run(system_);
  ASSERT_TRUE(ran) << ran.error().text;
  EXPECT_EQ(log_->truncate(Offset(45)).error().code, Errc::kBusy);
  ASSERT_TRUE(log_->apply_compaction(**task, ran));
  flush();
  EXPECT_EQ(log_->start(), Offset(40));
  EXPECT_GT(*log_->apply_retention(log_->end()), 0);
}

TEST_F(Compaction, ATruncationCancelsIt) {
  open();
  for (int i = 0; i < 100; ++i) put("k" + std::to_string(i % 3), "v" + std::to_string(i));
  flush();
  auto task = log_->begin_compaction(log_->end(), {});
  ASSERT_TRUE(task && *task);
  ASSERT_TRUE(log_->truncate(Offset(45)));
  const Status ran = (*task)->run(system_);
  EXPECT_EQ(ran.error().code, Errc::kCancelled);
  EXPECT_FALSE(log_->apply_compaction(**task, ran));
  all_.erase(all_.lower_bound(45), all_.end());
  for (const auto& [name, inode] : system_.files)
    EXPECT_EQ(name.find(kCleanedSuffix), std::string::npos) << name;
  compact_fully();
  check(true);
}

TEST_F(Compaction, AFullDiskLeavesTheLogAsItWas) {
  open();
  for (int i = 0; i < 100; ++i) put("k" + std::to_string(i), "v");
  for (int i = 0; i < 100; ++i) put("k" + std::to_string(i % 3), "v" + std::to_string(i));
  flush();
  auto task = log_->begin_compaction(log_->end(), {});
  ASSERT_TRUE(task && *task);
  system_.bytes_max = system_.used_bytes() + 500;
  const Status ran = (*task)->run(system_);
  EXPECT_EQ(ran.error().code, Errc::kStorageFull);
  EXPECT_FALSE(log_->apply_compaction(**task, ran));
  EXPECT_FALSE(log_->offline());
  check();
  system_.bytes_max = UINT64_MAX;
  compact_fully();
  check(true);
}

TEST_F(Compaction, DamageIsReportedAndNothingChanges) {
  open();
  for (int i = 0; i < 100; ++i) put("k" + std::to_string(i % 3), "v" + std::to_string(i));
  flush();
  system_.files.at("/data/t-0/00000000000000000000.log")->now[100] ^= std::byte{1};
  auto task = log_->begin_compaction(log_->end(), {});
  ASSERT_TRUE(task && *task);
  const Status ran = (*task)->run(system_);
  EXPECT_EQ(ran.error().code, Errc::kCorrupt);
  EXPECT_FALSE(log_->apply_compaction(**task, ran));
  for (const auto& [name, inode] : system_.files)
    EXPECT_EQ(name.find(kCleanedSuffix), std::string::npos) << name;
}

TEST_F(Compaction, MinAndMaxLagAreObeyed) {
  config_.min_compaction_lag_ms = 10'000;
  open();
  for (int i = 0; i < 100; ++i) put("k", "v" + std::to_string(i));
  flush();
  EXPECT_FALSE(*log_->cleanable(log_->end()));
  clock_.now_ms += 20'000;
  config_.max_compaction_lag_ms = 30'000;
  log_->set_config(config_);
  ASSERT_TRUE(*log_->cleanable(log_->end()));
  EXPECT_FALSE((*log_->cleanable(log_->end()))->overdue);
  clock_.now_ms += 20'000;
  EXPECT_TRUE((*log_->cleanable(log_->end()))->overdue);
}

}  // namespace
}  // namespace penstock::log
