#include "broker/removals.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/broker_process.h"
#include "tests/unit/broker/broker_in_process.h"
#include "tests/unit/broker/faulty_files.h"

namespace penstock::broker {
namespace {

using penstock::testing::TempDirectory;
using protocol::ErrorCode;

/// A broker whose disk is slow to rename where a test says so.
class RemovalsTest : public ::testing::Test {
 protected:
  ~RemovalsTest() override { held_ = false; }
  void hold_renames_of(const std::string& part) {
    files_.on_rename = [this, part](const std::string& path) -> Status {
      if (path.find(part) == std::string::npos) return {};
      ++renames_;
      while (held_) std::this_thread::yield();
      return {};
    };
    held_ = true;
  }
  Offset start_of(const PartitionRef& handle) {
    return broker_.on_shard([&] { return handle->partition->state().log_start; });
  }
  void fill(const std::string& topic, int records) {
    for (int i = 0; i < records; ++i) ASSERT_EQ(broker_.append(topic), ErrorCode::kNone);
  }
  void roll(const PartitionRef& handle) {
    ASSERT_TRUE(broker_.on_shard([&] { return handle->partition->log().roll(); }));
  }
  Status remove(const PartitionRef& handle, Offset to) {
    return BrokerInProcess::ask<Status>([&](auto done) {
      broker_.on_shard([&] {
        handle->owner->removals().remove(handle, to, std::move(done));
        return 0;
      });
    });
  }

  TempDirectory directory_;
  FaultyFiles files_;
  std::atomic<bool> held_ = false;
  std::atomic<int> renames_ = 0;
  BrokerInProcess broker_{directory_.path(), files_, {"log.segment.delete.delay.ms=0"}};
};

TEST_F(RemovalsTest, TheShardGoesOnWhileTheDiskIsSlow) {
  broker_.open();
  ASSERT_TRUE(broker_.create("t"));
  const PartitionRef handle = broker_.partition("t");
  fill("t", 3);
  roll(handle);
  fill("t", 3);
  hold_renames_of("log-start-offset-checkpoint");
  std::atomic<bool> answered = false;
  Status removed;
  broker_.on_shard([&] {
    handle->owner->removals().remove(handle, Offset(4), [&](Status status) {
      removed = std::move(status);
      answered = true;
    });
    return 0;
  });
  BrokerInProcess::wait_for([&] { return renames_ > 0; }, "the checkpoint to be written");
  // The removal hangs in the disk; the shard does not.
  EXPECT_EQ(broker_.append("t"), ErrorCode::kNone);
  EXPECT_EQ(start_of(handle), Offset(0));
  EXPECT_FALSE(answered);
  held_ = false;
  BrokerInProcess::wait_for([&] { return answered.load(); }, "the answer");
  EXPECT_TRUE(removed);
  EXPECT_EQ(start_of(handle), Offset(4));
}

TEST_F(RemovalsTest, TheFilesOfWhatWasRemovedGo) {
  broker_.open();
  ASSERT_TRUE(broker_.create("t"));
  const PartitionRef handle = broker_.partition("t");
  fill("t", 3);
  roll(handle);
  fill("t", 1);
  ASSERT_TRUE(remove(handle, Offset(3)));
  const std::string log = directory_.path() + "/t-0/00000000000000000000.log";
  BrokerInProcess::wait_for([&] { return !std::filesystem::exists(log); }, "the file to go");
  BrokerInProcess::wait_for(
      [&] {
        broker_.on_shard([&] {
          handle->owner->removals().unlink_all();
          return 0;
        });
        return !std::filesystem::exists(log + ".deleted");
      },
      "the file to be unlinked");
}

TEST_F(RemovalsTest, RequestsAreServedInTheirOrderAndOfATopicThatIsGoneSaySo) {
  broker_.open();
  ASSERT_TRUE(broker_.create("t", 2));
  const PartitionRef first = broker_.partition("t", 0);
  const PartitionRef second = broker_.partition("t", 1);
  fill("t", 5);
  EXPECT_EQ(remove(first, Offset(6)).error().code, Errc::kOutOfRange);
  EXPECT_TRUE(remove(first, Offset(2)));
  EXPECT_TRUE(remove(first, Offset(1)));  // it begins there already
  EXPECT_EQ(start_of(first), Offset(2));
  hold_renames_of("log-start-offset-checkpoint");
  std::atomic<int> answers = 0;
  std::vector<Errc> errors;
  broker_.on_shard([&] {
    for (const PartitionRef& handle : {first, first, second}) {
      handle->owner->removals().remove(handle, Offset(3), [&](const Status& status) {
        errors.push_back(status ? Errc::kInvalid : status.error().code);
        ++answers;
      });
    }
    return 0;
  });
  BrokerInProcess::wait_for([&] { return renames_ > 0; }, "the first removal");
  const auto log = broker_.on_shard([&] {  // as when its topic is deleted
    auto released = first->partition->release_log();
    first->partition.reset();
    std::erase(first->owner->partitions(), first);
    return released;
  });
  held_ = false;
  BrokerInProcess::wait_for([&] { return answers == 3; }, "the answers");
  // The second partition holds nothing.
  EXPECT_EQ(errors, (std::vector<Errc>{Errc::kOffline, Errc::kOffline, Errc::kOutOfRange}));
}

TEST_F(RemovalsTest, RetentionRunsOverAllPartitionsBesideTheShard) {
  broker_.open();
  ASSERT_TRUE(broker_.create("t", 80));
  const PartitionRef handle = broker_.partition("t");
  fill("t", 3);  // their timestamps are of 1970
  broker_.on_shard([&] {
    handle->owner->removals().retain_all();
    return 0;
  });
  BrokerInProcess::wait_for([&] { return start_of(handle) == Offset(3); }, "retention");
  EXPECT_EQ(broker_.append("t"), ErrorCode::kNone);
}

}  // namespace
}  // namespace penstock::broker
