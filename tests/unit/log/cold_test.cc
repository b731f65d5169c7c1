#include <gtest/gtest.h>

#include <string>

#include "tests/unit/log/directory_fixture.h"

namespace penstock::log {
namespace {

using testing::kFirstLog;
using testing::kTopic;
using testing::make_batch;

/// A log of several segments after a start: nothing of it has been looked at.
class Cold : public testing::Directory {
 protected:
  void SetUp() override {
    config_.segment_bytes = 1000;
    config_.index_interval_bytes = 100;
    config_.retention_ms = -1;
  }
  void fill_and_restart(int batches) {
    open("boot");
    open_log();
    for (int i = 0; i < batches; ++i) {
      append(2);
      clock_.now_ms += 1000;
    }
    flush();
    stop();
    open("boot");
    open_log();
    system_.bytes_read = 0;
  }
  /// As a reader beside the shard: the pool's part first.
  Result<ReadResult> read(Offset from, std::uint64_t bytes_max = 300) {
    if (auto task = log_->begin_cold(from, bytes_max, log_->end())) {
      const Status ran = task->run();
      log_->apply_cold(*task, ran);
    }
    return log_->read(from, bytes_max, log_->end(), true);
  }
  std::string log_of(Offset base) {
    std::string digits = std::to_string(base.value);
    return std::string(kTopic) + "/" + std::string(20 - digits.size(), '0') + digits + ".log";
  }
};

TEST_F(Cold, WhatTheTaskDidTheReadNeedNotDo) {
  fill_and_restart(60);
  ASSERT_GT(log_->segment_count(), 3U);
  auto task = log_->begin_cold(Offset(4), 300, log_->end());
  ASSERT_TRUE(task);
  EXPECT_EQ(system_.bytes_read, 0U);  // making it reads nothing
  ASSERT_TRUE(task->run());
  log_->apply_cold(*task, {});
  EXPECT_FALSE(log_->begin_cold(Offset(4), 300, log_->end()));
  const auto opens = system_.opens;
  ASSERT_TRUE(log_->read(Offset(4), 300, log_->end(), true));
  EXPECT_EQ(system_.opens, opens) << "the read loaded something";
}

TEST_F(Cold, EveryOffsetIsReadAsBefore) {
  fill_and_restart(60);
  for (const std::uint64_t bytes : {std::uint64_t{1}, std::uint64_t{300}, std::uint64_t{100'000}}) {
    for (Offset at(0); at < log_->end(); at = at + 1) {
      const auto got = read(at, bytes);
      ASSERT_TRUE(got) << got.error().text;
      ASSERT_FALSE(got->ranges.empty()) << at.value;
      EXPECT_EQ(got->first_batch_offset, Offset(at.value / 2 * 2));
      EXPECT_FALSE(log_->begin_cold(at, bytes, log_->end())) << at.value;
    }
  }
}

TEST_F(Cold, AReadStopsBeforeASegmentThatNobodyLookedAt) {
  fill_and_restart(60);
  const auto got = read(Offset(0), 100'000);
  ASSERT_TRUE(got);
  ASSERT_EQ(got->ranges.size(), 1U);
  EXPECT_LE(got->size_bytes, 1000U);
  EXPECT_TRUE(log_->begin_cold(got->end, 1, log_->end()));
}

TEST_F(Cold, AppendsMeanwhileDoNotMatter) {
  fill_and_restart(3);  // the active segment alone
  auto task = log_->begin_cold(Offset(0), 300, log_->end());
  ASSERT_TRUE(task);
  append(2);
  ASSERT_TRUE(task->run());
  append(2);
  log_->apply_cold(*task, {});
  EXPECT_FALSE(log_->begin_cold(Offset(0), 300, Offset(6)));
  const auto got = log_->read(Offset(0), 100'000, log_->end(), true);
  ASSERT_TRUE(got) << got.error().text;
  stop();
  open("boot");
  open_log();
  EXPECT_EQ(log_->end(), Offset(10));
  ASSERT_TRUE(read(Offset(8)));
}

TEST_F(Cold, DamageIsMetAgainByTheReadWithWhatIsGoodBeforeIt) {
  fill_and_restart(60);
  system_.files.at(kFirstLog)->now[400] ^= std::byte{1};
  auto task = log_->begin_cold(Offset(0), 1000, log_->end());
  ASSERT_TRUE(task);
  const Status ran = task->run();
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, Errc::kCorrupt);
  log_->apply_cold(*task, ran);
  const auto before = log_->read(Offset(0), 1000, log_->end(), true);
  ASSERT_TRUE(before);
  EXPECT_LE(before->size_bytes, 400U);
  Offset at = Offset(0);
  Result<ReadResult> got = before;
  while (got && at < log_->end()) {
    at = at + 2;
    got = read(at, 1);
  }
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::kCorrupt);
  EXPECT_NE(got.error().text.find(kFirstLog), std::string::npos);
}

TEST_F(Cold, AnIndexThatLeadsAstrayIsMadeAnewAndWritten) {
  fill_and_restart(60);
  const std::string index = std::string(kTopic) + "/00000000000000000000.index";
  auto& bytes = system_.files.at(index)->now;
  ASSERT_GT(bytes.size(), 8U);
  const auto good = bytes;
  bytes[bytes.size() - 1] ^= std::byte{3};
  auto task = log_->begin_cold(Offset(6), 300, log_->end());
  ASSERT_TRUE(task);
  ASSERT_TRUE(task->run());
  EXPECT_NE(bytes, good) << "a task writes nothing";
  log_->apply_cold(*task, {});
  EXPECT_EQ(system_.files.at(index)->now, good);
  ASSERT_TRUE(log_->read(Offset(6), 300, log_->end(), true));
}

TEST_F(Cold, ATaskOfASegmentThatWasRemovedOrTruncatedIsVoid) {
  fill_and_restart(60);
  auto removed = log_->begin_cold(Offset(0), 300, log_->end());
  auto truncated = log_->begin_cold(Offset(60), 300, log_->end());
  ASSERT_TRUE(removed && truncated);
  ASSERT_TRUE(log_->truncate_prefix(Offset(50)));
  log_->apply_cold(*removed, removed->run());  // its file has another name
  ASSERT_TRUE(log_->truncate(Offset(62)));
  log_->apply_cold(*truncated, truncated->run());
  append(2);
  for (Offset at = log_->start(); at < log_->end(); at = at + 2) ASSERT_TRUE(read(at));
}

TEST_F(Cold, ASearchRunsBesideTheLog) {
  fill_and_restart(60);
  const std::int64_t begin = clock_.now_ms - 60'000;
  TimeQuery query;
  query.timestamp_ms = begin + 20'500;
  query.below = log_->end();
  auto task = log_->begin_search(query);
  ASSERT_TRUE(task);
  EXPECT_EQ(system_.bytes_read, 0U);
  append(2);
  const Status ran = task->run();
  ASSERT_TRUE(ran) << ran.error().text;
  bool done = *log_->apply_search(*task, ran);
  while (!done) {
    task = log_->begin_search(task->query);
    ASSERT_TRUE(task);
    done = *log_->apply_search(*task, task->run());
  }
  ASSERT_TRUE(task->query.found);
  EXPECT_EQ(task->query.found->offset, Offset(42));
  // What it learnt of older segments stays, so the next one looks at one segment only.
  auto again = log_->begin_search(query);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->pieces.size(), 1U);
}

TEST_F(Cold, ASearchBeginsAgainWhenTheLogChangedUnderIt) {
  fill_and_restart(60);
  TimeQuery query;
  query.timestamp_ms = 0;
  query.below = log_->end();
  auto task = log_->begin_search(query);
  ASSERT_TRUE(task);
  ASSERT_TRUE(log_->truncate_prefix(Offset(50)));
  const Status ran = task->run();
  const auto done = log_->apply_search(*task, ran);
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_FALSE(*done);
  EXPECT_EQ((*log_->find_timestamp(0, log_->end()))->offset, Offset(50));
}

TEST_F(Cold, DamageThatASearchMeetsIsNoted) {
  fill_and_restart(3);
  system_.files.at(kFirstLog)->now[30] ^= std::byte{1};
  const auto found = log_->find_timestamp(0, log_->end());
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::kCorrupt);
  log_->set_offline(found.error());
  EXPECT_TRUE(system_.files.contains(std::string(kTopic) + "/damaged-segment"));
}

TEST_F(Cold, TheScrubberReadsTheActiveSegmentAfterAStartAndThenNowAndAgain) {
  fill_and_restart(3);
  system_.files.at(kFirstLog)->now[70] ^= std::byte{1};
  auto task = log_->begin_scrub(1 << 20);
  ASSERT_TRUE(task && *task);
  append(1);  // goes on meanwhile
  ASSERT_TRUE((*task)->run());
  ASSERT_TRUE((*task)->damage);
  log_->apply_scrub(**task);
  EXPECT_FALSE(*log_->begin_scrub(1 << 20));
  clock_.now_ms += kActiveScrubMs + 1;
  EXPECT_TRUE(*log_->begin_scrub(1 << 20));
  log_->set_offline(*(*task)->damage);
  EXPECT_TRUE(system_.files.contains(std::string(kTopic) + "/damaged-segment"));
}

TEST_F(Cold, AFileThatWasCutIsNamed) {
  fill_and_restart(60);
  EXPECT_FALSE(log_->missing_end(Offset(0)));
  EXPECT_FALSE(log_->missing_end(Offset(1)));  // no segment begins there
  drop_tail(10);
  const auto damage = log_->missing_end(Offset(0));
  ASSERT_TRUE(damage);
  EXPECT_EQ(damage->code, Errc::kCorrupt);
  EXPECT_NE(damage->text.find(kFirstLog), std::string::npos);
}

}  // namespace
}  // namespace penstock::log
