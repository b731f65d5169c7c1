#include <gtest/gtest.h>

#include <random>

#include "framework/log/damage_note.h"
#include "tests/unit/log/directory_fixture.h"

namespace penstock::log {
namespace {

using testing::Directory;
using testing::kFirstLog;
using testing::kTopic;

constexpr const char* kNote = "/data/events-0/damaged-segment";

/// Several segments, of which the first is damaged behind its first batch while nobody looks.
class DamageNote : public Directory {
 protected:
  void SetUp() override {
    config_.segment_bytes = 250;
    open("boot-1");
    open_log();
    for (int i = 0; i < 8; ++i) append(2);
    ASSERT_GT(log_->segment_count(), 2U);
    stop();
    flip();
    open("boot-1");
    open_log();
  }
  void flip() {
    auto& now = system_.files.at(kFirstLog)->now;
    now.back() ^= std::byte{1};
    system_.files.at(kFirstLog)->durable = now;
  }
  /// Somebody reads it, and the owner puts the log offline.
  void meet() {
    const auto read = log_->read(Offset(2), 1 << 20, log_->end(), true);
    ASSERT_FALSE(read);
    ASSERT_EQ(read.error().code, Errc::kCorrupt);
    log_->set_offline(read.error());
    ASSERT_TRUE(sync_damage_note(system_, kTopic));
  }
};

TEST_F(DamageNote, ARestartDoesNotForgetTheDamageThatWasMet) {
  meet();
  ASSERT_TRUE(system_.exists(kNote));
  std::mt19937_64 random(1);
  for (int i = 0; i < 2; ++i) {
    log_.reset();
    directory_.reset();
    system_.lose_power(random);
    open("boot-" + std::to_string(2 + i));
    const auto again = open_events();
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Errc::kCorrupt);
    EXPECT_NE(again.error().text.find("echo 2 > /data/events-0/accept-data-loss"),
              std::string::npos)
        << again.error().text;
  }
}

TEST_F(DamageNote, ARestoredFileBringsThePartitionBack) {
  meet();
  flip();
  open("boot-1");
  open_log();
  EXPECT_FALSE(system_.exists(kNote));
  EXPECT_EQ(log_->end(), Offset(16));
  EXPECT_FALSE(report_.loss_accepted);
  append(1);
}

TEST_F(DamageNote, AnOperatorCanGiveUpWhatAColdSegmentHolds) {
  meet();
  ASSERT_TRUE(write_file_atomically(system_, std::string(kTopic) + "/accept-data-loss", "2\n"));
  open("boot-1");
  open_log();
  EXPECT_TRUE(report_.loss_accepted);
  EXPECT_FALSE(system_.exists(kNote));
  EXPECT_FALSE(system_.exists(std::string(kTopic) + "/accept-data-loss"));
  EXPECT_EQ(log_->end(), Offset(2));
  EXPECT_TRUE(system_.exists(std::string(kFirstLog) + ".torn"));
  append(1);
  EXPECT_EQ(log_->end(), Offset(3));
}

TEST_F(DamageNote, TheOperatorsFileIsObeyedWithoutANoteToo) {
  ASSERT_TRUE(write_file_atomically(system_, std::string(kTopic) + "/accept-data-loss", "2\n"));
  open("boot-1");
  open_log();
  EXPECT_TRUE(report_.loss_accepted);
  EXPECT_EQ(log_->end(), Offset(2));
}

TEST_F(DamageNote, TheScrubberLeavesOneToo) {
  const auto damaged = testing::scrub(*log_, 1 << 20);
  ASSERT_FALSE(damaged);
  log_->set_offline(damaged.error());
  ASSERT_TRUE(system_.exists(kNote));
  open("boot-1");
  EXPECT_FALSE(open_events());
}

}  // namespace
}  // namespace penstock::log
