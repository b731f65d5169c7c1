#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/log/directory_fixture.h"

namespace penstock::log {
namespace {

/// What a crash or a truncation leaves of transactions.
class TransactionCrash : public testing::Directory {
 protected:
  void data() {
    options_.producer_id = ProducerId(5);
    options_.producer_epoch = ProducerEpoch(0);
    options_.transactional = true;
    options_.control = false;
    options_.base_sequence = sequence_;
    sequence_ += 2;
    auto batch = testing::make_batch(2, clock_.now_ms, "t", options_);
    ASSERT_TRUE(log_->append(batch, LeaderEpoch(0)));
  }
  void marker(bool commit) {
    options_.control = true;
    options_.base_sequence = -1;
    record::BatchBuilder builder(options_);
    builder.add(clock_.now_ms, std::string_view(commit ? "\0\0\0\1" : "\0\0\0\0", 4),
                std::string_view("\0\0\0\0\0\1", 6));
    auto batch = builder.finish();
    ASSERT_TRUE(log_->append(batch, LeaderEpoch(0)));
  }
  static std::string file(std::int64_t offset, const std::string& kind) {
    const std::string digits = std::to_string(offset);
    return std::string(testing::kTopic) + "/" + std::string(20 - digits.size(), '0') + digits +
           kind;
  }
  void expect_durable_index() {
    const auto& index = *system_.files.at(file(0, ".txnindex"));
    EXPECT_EQ(index.now.size(), 34U);
    EXPECT_EQ(index.durable, index.now);
  }

  record::BatchBuilder::Options options_;
  std::int32_t sequence_ = 0;
};

TEST_F(TransactionCrash, AnIndexThatAKilledProcessLeftUnsyncedIsSyncedByTheNextFlush) {
  open("boot");
  open_log();
  data();
  marker(false);
  log_.reset();  // killed
  open("boot");
  open_log();
  append(1);
  flush();
  expect_durable_index();
}

TEST_F(TransactionCrash, ATruncationStillHasTheIndexesSyncedThatStay) {
  open("boot");
  open_log();
  data();
  marker(false);
  ASSERT_TRUE(log_->roll());
  append(2);
  append(2);
  ASSERT_TRUE(log_->truncate(Offset(5)));
  append(1);
  flush();
  expect_durable_index();
  const auto aborted = log_->aborted(Offset(0), log_->end());
  ASSERT_TRUE(aborted);
  EXPECT_EQ(aborted->size(), 1U);
}

TEST_F(TransactionCrash, ANewSegmentDoesNotTakeOverTheIndexOfALostOne) {
  open("boot");
  open_log();
  data();
  marker(false);
  const std::vector<std::byte> index = system_.files.at(file(0, ".txnindex"))->now;
  append(1);
  {  // a power cut took segment 4 and left this
    auto lost = system_.open(file(4, ".txnindex"), OpenMode::kCreate);
    ASSERT_TRUE(lost);
    ASSERT_TRUE((*lost)->write_at(0, index));
  }
  ASSERT_TRUE(log_->roll());
  EXPECT_FALSE(system_.exists(file(4, ".txnindex")));
  append(1);
  EXPECT_EQ(log_->aborted(Offset(0), log_->end())->size(), 1U);
}

TEST_F(TransactionCrash, ASnapshotFromBelowTheFirstSegmentIsNotBelieved) {
  open("boot");
  open_log();
  data();
  clock_.now_ms += 10'000;
  flush();
  const std::vector<std::byte> snapshot = system_.files.at(file(2, ".snapshot"))->now;
  marker(true);
  ASSERT_TRUE(log_->roll());
  append(2);
  flush();
  ASSERT_TRUE(log_->truncate_prefix(Offset(3)));
  log_.reset();
  std::vector<std::string> others;
  for (const auto& [name, inode] : system_.files)
    if (name.ends_with(".snapshot")) others.push_back(name);
  for (const std::string& name : others) ASSERT_TRUE(system_.remove(name));
  {
    auto old = system_.open(file(2, ".snapshot"), OpenMode::kCreate);
    ASSERT_TRUE(old);
    ASSERT_TRUE((*old)->write_at(0, snapshot));
  }
  open("boot");
  open_log();
  EXPECT_EQ(log_->start(), Offset(3));
  EXPECT_EQ(log_->producers().first_unstable(), Offset::kNone)
      << "how it ended is gone with the segment";
}

}  // namespace
}  // namespace penstock::log
