#include <gtest/gtest.h>

#include <fstream>

#include "framework/log/log_directory.h"
#include "tests/unit/log/batches.h"
#include "tests/unit/log/directory_fixture.h"
#include "tests/unit/log/manual_clock.h"
#include "tests/unit/log/sim_file_system.h"
#include "tests/unit/log/temporary_directory.h"

namespace penstock::log {
namespace {

using testing::Directory;
using testing::kFirstLog;
using testing::kTopic;
using testing::make_batch;
using testing::SimFileSystem;

TEST_F(Directory, ACleanStopIsOpenedWithoutAScan) {
  open("boot-1");
  open_log();
  append(3);
  ASSERT_TRUE(log_->close());
  ASSERT_TRUE(directory_->close_clean(checkpoints()));
  open("boot-2");
  open_log();
  EXPECT_FALSE(report_.scanned);
  EXPECT_EQ(log_->end(), Offset(3));
  EXPECT_EQ(log_->flushed_end(), Offset(3));
}

TEST_F(Directory, AByteMissingBelowTheCleanEndIsRefusedWithACommand) {
  open("boot-1");
  open_log();
  append(3);
  append(2);
  ASSERT_TRUE(log_->close());
  ASSERT_TRUE(directory_->close_clean(checkpoints()));
  drop_tail(1);
  open("boot-1");
  const auto log = open_events();
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code, Errc::kCorrupt);
  EXPECT_NE(log.error().text.find("echo 3 > /data/events-0/accept-data-loss"), std::string::npos)
      << log.error().text;
}

TEST_F(Directory, AnOperatorCanAcceptTheLossOnce) {
  open("boot-1");
  open_log();
  append(3);
  append(2);
  ASSERT_TRUE(log_->close());
  ASSERT_TRUE(directory_->close_clean(checkpoints()));
  drop_tail(1);
  ASSERT_TRUE(write_file_atomically(system_, std::string(kTopic) + "/accept-data-loss", "3\n"));
  open("boot-1");
  open_log();
  EXPECT_TRUE(report_.loss_accepted);
  EXPECT_EQ(log_->end(), Offset(3));
  EXPECT_GT(report_.bytes_torn, 0U);
  EXPECT_FALSE(system_.exists(std::string(kTopic) + "/accept-data-loss"));
  EXPECT_TRUE(system_.exists(std::string(kFirstLog) + ".torn"));
  open("boot-1");
  open_log();
  EXPECT_EQ(log_->end(), Offset(3));
}

TEST_F(Directory, AfterAKilledProcessTheIncompleteWriteIsCut) {
  open("boot-1");
  open_log();
  append(3);
  append(2);
  drop_tail(5);
  open("boot-1");
  open_log();
  EXPECT_TRUE(report_.scanned);
  EXPECT_GT(report_.bytes_cut, 0U);
  EXPECT_EQ(log_->end(), Offset(3));
}

// Values that hold batches of a log: a mirror of log files, or somebody who wants the partition
// offline.
TEST_F(Directory, ACutFinalWriteIsNoCorruptionWhateverItsValuesHold) {
  for (const std::int64_t forged : {0, 3, 4, 100}) {
    SCOPED_TRACE(forged);
    system_ = SimFileSystem();
    open("boot-1");
    open_log();
    append(3);
    std::vector<std::byte> inner = make_batch(1, 1);
    record::set_base_offset_and_epoch(inner, Offset(forged), LeaderEpoch(0));
    record::BatchBuilder builder;
    for (int i = 0; i < 4; ++i) builder.add(1, "key", as_text(inner));
    std::vector<std::byte> outer = builder.finish();
    const std::size_t size = outer.size();
    ASSERT_TRUE(log_->append(outer, LeaderEpoch(0)));
    const std::size_t all = system_.files.at(kFirstLog)->now.size();
    for (std::size_t cut = 1; cut < size; ++cut) {
      log_.reset();
      auto& now = system_.files.at(kFirstLog)->now;
      if (now.size() < all)
        now.insert(now.end(),
                   outer.end() - static_cast<std::ptrdiff_t>(size - (now.size() - (all - size))),
                   outer.end());
      ASSERT_EQ(now.size(), all);
      now.resize(all - cut);
      open("boot-1");
      open_log();
      EXPECT_EQ(log_->end(), Offset(3)) << cut;
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(Directory, AWrongLengthInFrontOfSoundBatchesIsNoIncompleteWrite) {
  open("boot-1");
  open_log();
  append(3);
  const std::size_t second = system_.files.at(kFirstLog)->now.size();
  append(2);
  append(1);
  log_.reset();
  system_.files.at(kFirstLog)->now[second + 9] ^= std::byte{0x10};  // the length, beyond the file
  open("boot-1");
  EXPECT_FALSE(open_events());
}

TEST_F(Directory, AHeaderThatDoesNotContinueTheLogIsNoIncompleteWrite) {
  open("boot-1");
  open_log();
  append(3);
  const std::size_t second = system_.files.at(kFirstLog)->now.size();
  append(2);
  log_.reset();
  drop_tail(5);
  system_.files.at(kFirstLog)->now[second + 7] ^= std::byte{1};
  open("boot-1");
  EXPECT_FALSE(open_events());
}

TEST_F(Directory, AnotherBootMovesWhatIsTornAside) {
  open("boot-1");
  open_log();
  append(3);
  flush();
  ASSERT_TRUE(directory_->write_checkpoints(checkpoints()));
  append(2);
  append(2);
  system_.files.at(kFirstLog)->now[system_.files.at(kFirstLog)->durable.size() + 30] ^=
      std::byte{1};
  open("boot-2");
  open_log();
  EXPECT_EQ(log_->end(), Offset(3));
  EXPECT_EQ(report_.batches_torn, 1);
  ASSERT_FALSE(report_.notes.empty());
  EXPECT_NE(report_.notes[0].find("offset 3"), std::string::npos) << report_.notes[0];
}

TEST_F(Directory, TheRulesOfTheOldBootHoldUntilThePartitionWasOpened) {
  open("boot-1");
  open_log();
  append(3);
  append(2);
  system_.files.at(kFirstLog)->now.back() ^= std::byte{1};
  open("boot-2");  // dies before it opens the partition
  open("boot-2");
  open_log();
  EXPECT_EQ(log_->end(), Offset(3));
  EXPECT_GT(report_.bytes_torn, 0U);
}

TEST_F(Directory, AWholeBatchThatIsDamagedOnTheSameBootIsRefusedUnlessAPowerCutIsAssumed) {
  open("boot-1");
  open_log();
  append(3);
  append(2);
  system_.files.at(kFirstLog)->now.back() ^= std::byte{1};
  open("boot-1");
  EXPECT_EQ(open_events().error().code, Errc::kCorrupt);
  open("boot-1", true);
  open_log();
  EXPECT_EQ(log_->end(), Offset(3));
}

TEST_F(Directory, ATopicThatComesAgainIsNotJudgedByItsPredecessor) {
  open("boot-1");
  open_log();
  append(3);
  flush();
  ASSERT_TRUE(directory_->write_checkpoints(checkpoints()));
  ASSERT_TRUE(directory_->delete_log(std::move(log_)));
  id_ = Uuid::random();
  open("boot-1");
  open_log();
  EXPECT_EQ(log_->end(), Offset(0));
}

TEST_F(Directory, AMissingPartitionDirectoryIsRefused) {
  open("boot-1");
  open_log();
  append(3);
  flush();
  ASSERT_TRUE(directory_->write_checkpoints(checkpoints()));
  log_.reset();
  ASSERT_TRUE(system_.remove_tree(kTopic));
  open("boot-1");
  EXPECT_EQ(open_events().error().code, Errc::kCorrupt);
}

TEST_F(Directory, RecordsDeletedOnRequestStayDeletedAfterAKill) {
  open("boot-1");
  open_log();
  append(10);
  ASSERT_TRUE(log_->truncate_prefix(Offset(4)));
  open("boot-1");
  open_log();
  EXPECT_EQ(log_->start(), Offset(4));
  EXPECT_EQ(log_->end(), Offset(10));
}

TEST_F(Directory, RecordsWrittenAfterAPowerCutBelowADeletedOffsetAreNotHidden) {
  open("boot-1");
  open_log();
  append(10);
  flush();
  ASSERT_TRUE(directory_->write_checkpoints(checkpoints()));
  append(10);
  ASSERT_TRUE(log_->truncate_prefix(Offset(20)));
  log_.reset();
  directory_.reset();
  system_.files.at(kFirstLog)->now.resize(system_.files.at(kFirstLog)->durable.size());
  open("boot-2");
  open_log();
  ASSERT_EQ(log_->end(), Offset(10));
  append(5);
  open("boot-2");
  open_log();
  EXPECT_EQ(log_->start(), Offset(10));
  EXPECT_EQ(log_->end(), Offset(15));
}

// What a start after kill -9 has to read again.
TEST_F(Directory, AFlushLeavesASnapshotThatAStartGoesOnFrom) {
  open("boot-1");
  open_log();
  record::BatchBuilder::Options options;
  options.producer_id = ProducerId(7);
  options.producer_epoch = ProducerEpoch(0);
  options.base_sequence = 0;
  auto batch = make_batch(3, clock_.now_ms, "v", options);
  ASSERT_TRUE(log_->append(batch, LeaderEpoch(0)));
  clock_.now_ms += 10'000;
  flush();
  const std::string snapshot = "/data/events-0/00000000000000000003.snapshot";
  EXPECT_TRUE(system_.exists(snapshot));
  clock_.now_ms += 10'000;
  append(2);
  append(2);
  append(2);
  flush();
  EXPECT_FALSE(system_.exists(snapshot)) << "the older one stays only until the newer is there";
  EXPECT_TRUE(system_.exists("/data/events-0/00000000000000000009.snapshot"));
  append(1);
  log_.reset();
  open("boot-1");
  open_log();
  EXPECT_EQ(log_->end(), Offset(10));
  ASSERT_TRUE(log_->producers().entries().contains(7));
  EXPECT_EQ(log_->producers().entries().at(7).batches.back().last_offset, Offset(2));
}

// The base offset is outside of the CRC, so that only the batch in front of it tells.
TEST_F(Directory, ADamagedBaseOffsetIsServedNoneOfTheTimesThatItIsReadOver) {
  config_.segment_bytes = 500;
  open("boot-1");
  open_log();
  for (int i = 0; i < 7; ++i) append(2);
  ASSERT_EQ(log_->segment_count(), 2U);
  ASSERT_TRUE(log_->close());
  ASSERT_TRUE(directory_->close_clean(checkpoints()));
  auto& now = system_.files.at(kFirstLog)->now;
  const std::size_t size = now.size() / 5;
  now[3 * size + 6] ^= std::byte{0x80};
  open("boot-1");
  open_log();
  for (int i = 0; i < 3; ++i) {
    const auto before = log_->read(Offset(0), 1 << 20, log_->end(), true);
    ASSERT_TRUE(before);
    EXPECT_EQ(before->size_bytes, 3 * size) << "what lies before the damage";
    const auto at = log_->read(Offset(6), 1 << 20, log_->end(), true);
    ASSERT_FALSE(at);
    EXPECT_EQ(at.error().code, Errc::kCorrupt);
  }
}

// Without its entry in the transaction index an aborted transaction would be served as committed.
TEST_F(Directory, AnAbortWhileAFlushRunsIsDurableWithTheNextOne) {
  open("boot-1");
  open_log();
  record::BatchBuilder::Options options;
  options.producer_id = ProducerId(5);
  options.producer_epoch = ProducerEpoch(0);
  options.transactional = true;
  const auto abort_one = [&](std::int32_t sequence) {
    options.control = false;
    options.base_sequence = sequence;
    auto data = make_batch(2, clock_.now_ms, "t", options);
    ASSERT_TRUE(log_->append(data, LeaderEpoch(0)));
    options.control = true;
    options.base_sequence = -1;
    record::BatchBuilder marker(options);
    marker.add(clock_.now_ms, std::string_view("\0\0\0\0", 4), std::string_view("\0\0\0\0\0\1", 6));
    auto batch = marker.finish();
    ASSERT_TRUE(log_->append(batch, LeaderEpoch(0)));
  };
  abort_one(0);
  const auto first = log_->begin_flush();
  ASSERT_TRUE(first);
  ASSERT_TRUE(first->run(system_));
  abort_one(2);
  log_->apply_flush(*first);
  append(1);
  flush();
  const auto& index = *system_.files.at("/data/events-0/00000000000000000000.txnindex");
  EXPECT_EQ(index.now.size(), 2U * 34);
  EXPECT_EQ(index.durable, index.now);
}

TEST_F(Directory, TheScrubberNamesDamageAndGoesOnBehindIt) {
  config_.segment_bytes = 200;
  open("boot-1");
  open_log();
  for (int i = 0; i < 12; ++i) append(2);
  ASSERT_GT(log_->segment_count(), 4U);
  system_.files.at(kFirstLog)->now[80] ^= std::byte{1};
  int damaged = 0;
  std::uint64_t read = 0;
  while (true) {
    auto task = log_->begin_scrub(1000);
    ASSERT_TRUE(task) << task.error().text;
    if (!*task) break;
    ASSERT_TRUE((*task)->run());
    if ((*task)->damage) {
      ++damaged;
      EXPECT_NE((*task)->damage->text.find("00000000000000000000.log at byte 0"), std::string::npos)
          << (*task)->damage->text;
    }
    read += (*task)->position - (*task)->begin;
    log_->apply_scrub(**task);
  }
  EXPECT_EQ(damaged, 1);
  EXPECT_GT(read, 400U);
}

TEST_F(Directory, AForeignClusterIsRefused) {
  open("boot-1");
  directory_.reset();
  LogDirectory::Options options;
  options.path = "/data";
  options.cluster_id = "other";
  const auto opened = LogDirectory::open(system_, clock_, options);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::kInvalid);
}

TEST_F(Directory, AFailedSyncEndsTheLog) {
  open("boot-1");
  open_log();
  append(3);
  const auto task = log_->begin_flush();
  system_.fail_sync = true;
  const auto done = task->run(system_);
  ASSERT_FALSE(done);
  log_->set_offline(done.error());
  system_.fail_sync = false;
  auto batch = make_batch(1);
  const auto appended = log_->append(batch, LeaderEpoch(0));
  ASSERT_FALSE(appended);
  EXPECT_EQ(appended.error().code, Errc::kOffline);
  EXPECT_FALSE(log_->begin_flush());
}

TEST_F(Directory, AFullDiskLeavesTheLogAsBefore) {
  open("boot-1");
  open_log();
  append(3);
  const auto size = system_.files.at(kFirstLog)->now.size();
  system_.bytes_max = system_.used_bytes() + 10;
  auto batch = make_batch(5);
  const auto appended = log_->append(batch, LeaderEpoch(0));
  ASSERT_FALSE(appended);
  EXPECT_EQ(appended.error().code, Errc::kStorageFull);
  EXPECT_EQ(system_.files.at(kFirstLog)->now.size(), size);
  EXPECT_EQ(log_->end(), Offset(3));
  EXPECT_TRUE(log_->read(Offset(0), 1000, Offset(3), true));
  system_.bytes_max = UINT64_MAX;
  append(1);
  EXPECT_EQ(log_->end(), Offset(4));
}

TEST(PosixDirectory, TwoProcessesCannotHaveIt) {
  const testing::TemporaryDirectory place;
  const SystemClock clock;
  LogDirectory::Options options;
  options.path = place.path() + "/data";
  const auto first = LogDirectory::open(posix_file_system(), clock, options);
  ASSERT_TRUE(first) << first.error().text;
  const auto second = LogDirectory::open(posix_file_system(), clock, options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kBusy);
  EXPECT_NE(second.error().text.find(options.path), std::string::npos);
}

TEST(PosixDirectory, ADeletedTopicIsRenamedAndThenRemoved) {
  const testing::TemporaryDirectory place;
  const SystemClock clock;
  LogDirectory::Options options;
  options.path = place.path();
  auto directory = LogDirectory::open(posix_file_system(), clock, options);
  ASSERT_TRUE(directory);
  RecoveryReport report;
  auto log = (*directory)->open_log("a-b.c", PartitionId(3), Uuid::random(), {}, report);
  ASSERT_TRUE(log);
  ASSERT_TRUE((*directory)->delete_log(std::move(*log)));
  EXPECT_TRUE((*directory)->partitions()->empty());
  const auto count = [&] {
    int deleted = 0;
    const auto names = posix_file_system().list(place.path());
    for (const auto& name : *names) deleted += name.ends_with("-delete") ? 1 : 0;
    return deleted;
  };
  EXPECT_EQ(count(), 1);
  (*directory)->remove_deleted();
  EXPECT_EQ(count(), 0);
}

TEST(PosixDirectory, TheReserveIsGivenBackAndTakenAgain) {
  const testing::TemporaryDirectory place;
  const SystemClock clock;
  LogDirectory::Options options;
  options.path = place.path();
  auto directory = LogDirectory::open(posix_file_system(), clock, options);
  ASSERT_TRUE(directory);
  EXPECT_TRUE(posix_file_system().exists(place.path() + "/.reserve"));
  (*directory)->release_reserve();
  EXPECT_FALSE(posix_file_system().exists(place.path() + "/.reserve"));
  EXPECT_TRUE((*directory)->restore_reserve());
}

}  // namespace
}  // namespace penstock::log
