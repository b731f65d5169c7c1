#include "framework/log/log_directory.h"

#include <gtest/gtest.h>

#include "tests/unit/log/batches.h"
#include "tests/unit/log/manual_clock.h"
#include "tests/unit/log/sim_file_system.h"

namespace penstock::log {
namespace {

using testing::make_batch;

class Checkpoints : public ::testing::Test {
 protected:
  void open() {
    directory_.reset();
    LogDirectory::Options options;
    options.path = "/data";
    options.boot_id = "boot";
    options.reserve_bytes = 0;
    auto directory = LogDirectory::open(system_, clock_, options);
    ASSERT_TRUE(directory) << directory.error().text;
    directory_ = std::move(*directory);
  }
  std::unique_ptr<Log> open_log(const Uuid& id) {
    RecoveryReport report;
    auto log = directory_->open_log("t", PartitionId(0), id, config_, report);
    EXPECT_TRUE(log) << log.error().text;
    return log ? std::move(*log) : nullptr;
  }
  static void append(Log& log, int records) {
    auto batch = make_batch(records);
    ASSERT_TRUE(log.append(batch, LeaderEpoch(0)));
  }
  static LogDirectory::Checkpoint checkpoint(const Log& log, const Uuid& id) {
    return {"t", PartitionId(0), id, log.flushed_end(), log.start(), log.end(), log.end()};
  }

  testing::SimFileSystem system_;
  testing::ManualClock clock_;
  LogConfig config_;
  std::unique_ptr<LogDirectory> directory_;
};

TEST_F(Checkpoints, OfADeletedTopicSayNothingOfTheNextOneOfItsName) {
  ASSERT_NO_FATAL_FAILURE(open());
  const Uuid old_id = Uuid::random();
  const Uuid new_id = Uuid::random();
  auto old = open_log(old_id);
  append(*old, 10);
  ASSERT_TRUE(old->truncate_prefix(Offset(7)));
  const LogDirectory::Checkpoint late = checkpoint(*old, old_id);
  ASSERT_TRUE(directory_->delete_log(std::move(old)));
  auto log = open_log(new_id);
  append(*log, 5);
  ASSERT_TRUE(directory_->write_checkpoints({late}));
  log.reset();
  ASSERT_NO_FATAL_FAILURE(open());
  EXPECT_EQ(directory_->checkpointed_high_watermark("t", PartitionId(0)), std::nullopt);
  log = open_log(new_id);
  ASSERT_TRUE(log);
  EXPECT_EQ(log->start(), Offset(0));
  EXPECT_EQ(log->end(), Offset(5));
  EXPECT_EQ(log->cleaned_to(), std::nullopt);
}

TEST_F(Checkpoints, OfTheTopicThatIsOpenAreKept) {
  ASSERT_NO_FATAL_FAILURE(open());
  const Uuid id = Uuid::random();
  auto log = open_log(id);
  append(*log, 5);
  ASSERT_TRUE(directory_->write_checkpoints({checkpoint(*log, id)}));
  log.reset();
  ASSERT_NO_FATAL_FAILURE(open());
  EXPECT_EQ(directory_->checkpointed_high_watermark("t", PartitionId(0)), Offset(5));
}

}  // namespace
}  // namespace penstock::log
