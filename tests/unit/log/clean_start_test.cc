#include <gtest/gtest.h>

#include "tests/unit/log/directory_fixture.h"

namespace penstock::log {
namespace {

using testing::Directory;
using testing::kFirstLog;
using testing::make_batch;

TEST_F(Directory, AfterACleanStopNoFileOfASegmentIsOpenedUntilSomebodyNeedsIt) {
  config_.index_interval_bytes = 0;
  open("boot-1");
  open_log();
  for (int i = 0; i < 5; ++i) append(2);
  stop();
  open("boot-2");
  const int before = system_.open_files;
  open_log();
  EXPECT_EQ(system_.open_files, before);
  EXPECT_EQ(log_->end(), Offset(10));
  // An idle log is closed again as it is.
  const std::uint64_t operations = system_.operations;
  ASSERT_TRUE(log_->close());
  EXPECT_EQ(system_.operations, operations);
  ASSERT_TRUE(directory_->close_clean(checkpoints()));
  open("boot-2");
  open_log();
  append(1);
  EXPECT_EQ(log_->end(), Offset(11));
  EXPECT_EQ((*log_->find_timestamp(clock_.now_ms, log_->end()))->offset, Offset(0));
  const auto read = log_->read(Offset(0), 1 << 20, log_->end(), true);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->size_bytes, log_->size_bytes());
}

TEST_F(Directory, ATailDamagedAfterACleanStopIsMetBeforeAnythingIsAddedBehindIt) {
  open("boot-1");
  open_log();
  append(3);
  append(2);
  stop();
  system_.files.at(kFirstLog)->now.back() ^= std::byte{1};
  open("boot-1");
  open_log();
  auto batch = make_batch(1, clock_.now_ms);
  const auto appended = log_->append(batch, LeaderEpoch(0));
  ASSERT_FALSE(appended);
  EXPECT_EQ(appended.error().code, Errc::kCorrupt);
  EXPECT_TRUE(log_->offline());
  const auto read = log_->read(Offset(4), 1 << 20, log_->end(), true);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::kCorrupt);
}

TEST_F(Directory, AnEndThatIsNotTheCleanOneIsRefused) {
  open("boot-1");
  open_log();
  append(3);
  stop();
  // One batch of as many bytes and fewer records.
  auto& now = system_.files.at(kFirstLog)->now;
  auto other = make_batch(1, clock_.now_ms);
  record::set_base_offset_and_epoch(other, Offset(0), LeaderEpoch(0));
  ASSERT_LT(other.size(), now.size());
  const std::size_t missing = now.size() - other.size();
  now = other;
  ASSERT_TRUE(write_file_atomically(system_, "/data/clean-end-size-checkpoint",
                                    "0\n1\nevents 0 " + std::to_string(other.size()) + "\n"));
  open("boot-1");
  open_log();
  auto batch = make_batch(1, clock_.now_ms);
  const auto appended = log_->append(batch, LeaderEpoch(0));
  ASSERT_FALSE(appended) << missing;
  EXPECT_NE(appended.error().text.find("was closed at offset 3"), std::string::npos)
      << appended.error().text;
}

TEST_F(Directory, AStartAfterAKillChangesNoFileThatIsRight) {
  config_.index_interval_bytes = 0;
  open("boot-1");
  open_log();
  append(3);
  clock_.now_ms += 10;
  append(3);
  stop();
  open("boot-1");
  open_log();
  clock_.now_ms += 10;
  for (int i = 0; i < 5; ++i) append(2);
  const std::uint64_t before = system_.operations;
  open("boot-1");  // the directory writes its own
  const std::uint64_t opened = system_.operations;
  open_log();
  EXPECT_TRUE(report_.scanned);
  EXPECT_EQ(system_.operations, opened) << before;
  EXPECT_EQ(log_->end(), Offset(16));
  // The entries that were in memory only are written with later ones, and right.
  append(1);
  stop();
  open("boot-1");
  open_log();
  const auto found = log_->find_timestamp(clock_.now_ms, log_->end());
  ASSERT_TRUE(found);
  EXPECT_EQ((*found)->offset, Offset(6));
  EXPECT_EQ(system_.files.at("/data/events-0/00000000000000000000.index")->now.size() % 8, 0U);
}

}  // namespace
}  // namespace penstock::log
