#include <atomic>
#include <filesystem>

#include "tests/support/broker_process.h"
#include "tests/unit/broker/broker_in_process.h"
#include "tests/unit/broker/faulty_files.h"

namespace penstock::broker {
namespace {

using penstock::testing::TempDirectory;
using protocol::ErrorCode;

std::vector<std::string> often() { return {"log.flush.offset.checkpoint.interval.ms=20"}; }

/// Opening files whose path contains `part` finds the disk full while `full` is set.
void fill_for(FaultyFiles& files, std::string part, const std::atomic<bool>& full) {
  files.on_open = [part = std::move(part), &full](const std::string& path) -> Status {
    if (full && path.find(part) != std::string::npos)
      return fail(Errc::kStorageFull, "open " + path + ": No space left on device");
    return {};
  };
}

TEST(TopicChanges, ATopicWhosePartitionsCannotBeOpenedIsNotCreated) {
  const TempDirectory directory;
  std::atomic<bool> full = true;
  FaultyFiles files;
  fill_for(files, "t-1/", full);
  BrokerInProcess broker(directory.path(), files);
  broker.open();
  const auto refused = broker.create("t", 3);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kStorageError);
  EXPECT_FALSE(broker.partition("t"));
  full = false;
  BrokerInProcess::wait_for([&] { return broker.create("t", 3).has_value(); },
                            "the topic to be created");
  BrokerInProcess::wait_for([&] { return broker.append("t") == ErrorCode::kNone; },
                            "the broker to see that there is room");
}

TEST(TopicChanges, PartitionsThatCannotBeOpenedAreNotAdded) {
  const TempDirectory directory;
  std::atomic<bool> full = true;
  FaultyFiles files;
  fill_for(files, "t-1/", full);
  BrokerInProcess broker(directory.path(), files);
  broker.open();
  ASSERT_TRUE(broker.create("t"));
  const auto refused = broker.grow("t", 2);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kStorageError);
  EXPECT_FALSE(broker.partition("t", 1));
  EXPECT_EQ(broker.append("t"), ErrorCode::kNone);
  full = false;
  EXPECT_TRUE(broker.grow("t", 2));
}

TEST(TopicChanges, APartitionThatFoundTheDiskFullAtTheStartIsOpenedOnceThereIsRoom) {
  const TempDirectory directory;
  {
    BrokerInProcess broker(directory.path());
    broker.open();
    ASSERT_TRUE(broker.create("t"));
    ASSERT_EQ(broker.append("t"), ErrorCode::kNone);
  }
  std::atomic<bool> full = true;
  FaultyFiles files;
  fill_for(files, "t-0/0000", full);
  BrokerInProcess broker(directory.path(), files, often());
  broker.open();
  EXPECT_NE(broker.append("t"), ErrorCode::kNone);
  full = false;
  BrokerInProcess::wait_for([&] { return broker.append("t") == ErrorCode::kNone; },
                            "the partition to be opened");
}

TEST(TopicChanges, ADirectoryThatCouldNotBeDeletedIsDeletedLater) {
  const TempDirectory directory;
  std::atomic<bool> stuck = true;
  FaultyFiles files;
  files.on_rename = [&](const std::string& from) -> Status {
    if (stuck && from.ends_with("t-0"))
      return fail(Errc::kIo, "rename " + from + ": Input/output error");
    return {};
  };
  BrokerInProcess broker(directory.path(), files, often());
  broker.open();
  ASSERT_TRUE(broker.create("t"));
  ASSERT_TRUE(broker.remove("t"));
  EXPECT_TRUE(std::filesystem::exists(directory.path() + "/t-0"));
  stuck = false;
  BrokerInProcess::wait_for([&] { return !std::filesystem::exists(directory.path() + "/t-0"); },
                            "the directory to go");
  BrokerInProcess::wait_for([&] { return broker.create("t").has_value(); },
                            "a topic of the same name");
  EXPECT_EQ(broker.append("t"), ErrorCode::kNone);
}

TEST(TopicChanges, ADirectoryThatCouldNotBeDeletedIsDeletedByTheNextStart) {
  const TempDirectory directory;
  FaultyFiles files;
  files.on_rename = [](const std::string& from) -> Status {
    if (from.ends_with("t-0")) return fail(Errc::kIo, "rename " + from + ": Input/output error");
    return {};
  };
  {
    BrokerInProcess broker(directory.path(), files);
    broker.open();
    ASSERT_TRUE(broker.create("t"));
    ASSERT_TRUE(broker.remove("t"));
  }
  BrokerInProcess broker(directory.path());
  broker.open();
  EXPECT_FALSE(std::filesystem::exists(directory.path() + "/t-0"));
  EXPECT_TRUE(broker.create("t"));
  EXPECT_EQ(broker.append("t"), ErrorCode::kNone);
}

}  // namespace
}  // namespace penstock::broker
