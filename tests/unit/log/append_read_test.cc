#include <gtest/gtest.h>

#include <filesystem>

#include "framework/log/log_directory.h"
#include "tests/unit/log/batches.h"
#include "tests/unit/log/temporary_directory.h"

namespace penstock::log {
namespace {

using testing::make_batch;
using testing::read_bytes;

class AppendRead : public ::testing::Test {
 protected:
  void open(RecoveryHint hint = {}) {
    report_ = {};
    auto log = Log::open(posix_file_system(), clock_, directory_.path() + "/topic-0", config_, hint,
                         report_);
    ASSERT_TRUE(log) << log.error().text;
    log_ = std::move(*log);
  }
  AppendInfo append(std::vector<std::byte> batch, int epoch = 0) {
    auto info = log_->append(batch, LeaderEpoch(epoch));
    EXPECT_TRUE(info) << info.error().text;
    return info.value_or(AppendInfo{});
  }
  std::vector<std::int64_t> offsets_from(std::int64_t from) {
    std::vector<std::int64_t> offsets;
    for (Offset at(from); at < log_->end();) {
      const auto result = log_->read(at, 1 << 20, log_->end(), true);
      EXPECT_TRUE(result) << result.error().text;
      if (!result || result->ranges.empty()) break;
      for (const FileRange& range : result->ranges) {
        const auto bytes = read_bytes(range);
        for (std::size_t done = 0; done < bytes.size();) {
          const auto batch = record::BatchView::parse(ByteView(bytes).subspan(done));
          EXPECT_TRUE(batch && batch->crc_matches());
          if (!batch) return offsets;
          offsets.push_back(batch->header().base_offset.value);
          done += batch->header().size_bytes();
          at = batch->header().last_offset() + 1;
        }
      }
    }
    return offsets;
  }

  testing::TemporaryDirectory directory_;
  SystemClock clock_;
  LogConfig config_;
  RecoveryReport report_;
  std::unique_ptr<Log> log_;
};

TEST_F(AppendRead, OffsetsContinueFromBatchToBatch) {
  open();
  EXPECT_EQ(append(make_batch(3)).base_offset, Offset(0));
  EXPECT_EQ(append(make_batch(2)).base_offset, Offset(3));
  EXPECT_EQ(log_->end(), Offset(5));
  EXPECT_EQ(offsets_from(0), (std::vector<std::int64_t>{0, 3}));
  EXPECT_EQ(offsets_from(4), (std::vector<std::int64_t>{3}));
}

TEST_F(AppendRead, ReadsAcrossRolls) {
  config_.segment_bytes = 400;
  config_.index_interval_bytes = 100;
  open();
  std::vector<std::int64_t> expected;
  for (int i = 0; i < 50; ++i)
    expected.push_back(append(make_batch(2, 1000 + i)).base_offset.value);
  EXPECT_GT(log_->segment_count(), 5U);
  EXPECT_EQ(offsets_from(0), expected);
}

TEST_F(AppendRead, ReopensAfterCleanClose) {
  config_.segment_bytes = 400;
  open();
  for (int i = 0; i < 20; ++i) append(make_batch(2));
  const auto before = offsets_from(0);
  ASSERT_TRUE(log_->close());
  RecoveryHint hint;
  hint.clean_end = Offset(40);
  open(hint);
  EXPECT_EQ(log_->end(), Offset(40));
  EXPECT_EQ(offsets_from(0), before);
  EXPECT_EQ(append(make_batch(1)).base_offset, Offset(40));
}

TEST_F(AppendRead, DirectoryKeepsTopicsAcrossACleanStop) {
  const Uuid id = Uuid::random();
  LogDirectory::Options options;
  options.path = directory_.path() + "/data";
  {
    auto directory = LogDirectory::open(posix_file_system(), clock_, options);
    ASSERT_TRUE(directory) << directory.error().text;
    auto log = (*directory)->open_log("events", PartitionId(0), id, config_, report_);
    ASSERT_TRUE(log) << log.error().text;
    auto batch = make_batch(4);
    ASSERT_TRUE((*log)->append(batch, LeaderEpoch(0)));
    ASSERT_TRUE((*log)->close());
    ASSERT_TRUE(
        (*directory)
            ->close_clean({{"events", PartitionId(0), id, Offset(4), Offset(0), Offset(4)}}));
  }
  auto directory = LogDirectory::open(posix_file_system(), clock_, options);
  ASSERT_TRUE(directory) << directory.error().text;
  const auto found = (*directory)->partitions();
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->front().topic_id, id);
  EXPECT_EQ((*directory)->checkpointed_high_watermark("events", PartitionId(0)), Offset(4));
  report_ = {};
  auto log = (*directory)->open_log("events", PartitionId(0), id, config_, report_);
  ASSERT_TRUE(log) << log.error().text;
  EXPECT_FALSE(report_.scanned);
  EXPECT_EQ((*log)->end(), Offset(4));
}

TEST_F(AppendRead, AcknowledgedRecordsThatAPowerCutTookAreReported) {
  const Uuid id = Uuid::random();
  LogDirectory::Options options;
  options.path = directory_.path() + "/data";
  options.boot_id = "before";
  std::uint64_t first_batch_bytes = 0;
  {
    auto directory = LogDirectory::open(posix_file_system(), clock_, options);
    ASSERT_TRUE(directory) << directory.error().text;
    auto log = (*directory)->open_log("events", PartitionId(0), id, config_, report_);
    ASSERT_TRUE(log) << log.error().text;
    for (int i = 0; i < 2; ++i) {
      auto batch = make_batch(4);
      ASSERT_TRUE((*log)->append(batch, LeaderEpoch(0)));
      first_batch_bytes = batch.size();
    }
    ASSERT_TRUE(
        (*directory)
            ->write_checkpoints({{"events", PartitionId(0), id, Offset(0), Offset(0), Offset(8)}}));
  }
  // The second batch never reached the disk, and the file ends between batches: no byte tells of
  // it.
  std::filesystem::resize_file(options.path + "/events-0/00000000000000000000.log",
                               first_batch_bytes);
  options.boot_id = "after";
  auto directory = LogDirectory::open(posix_file_system(), clock_, options);
  ASSERT_TRUE(directory) << directory.error().text;
  report_ = {};
  auto log = (*directory)->open_log("events", PartitionId(0), id, config_, report_);
  ASSERT_TRUE(log) << log.error().text;
  EXPECT_EQ((*log)->end(), Offset(4));
  EXPECT_TRUE(report_.power_cut);
  ASSERT_FALSE(report_.notes.empty());
  EXPECT_NE(report_.notes.back().find("acknowledged are lost: offsets 4 to 7"), std::string::npos)
      << report_.notes.back();
}

}  // namespace
}  // namespace penstock::log
