#include <atomic>
#include <filesystem>

#include "tests/support/broker_process.h"
#include "tests/unit/broker/broker_in_process.h"
#include "tests/unit/broker/faulty_files.h"

namespace penstock::broker {
namespace {

using penstock::testing::TempDirectory;
using protocol::ErrorCode;

TEST(StorageFailure, AFailedSyncEndsTheDirectoryForTopicsThatComeLaterToo) {
  const TempDirectory directory;
  FaultyFiles files;
  BrokerInProcess broker(directory.path(), files);
  broker.open();
  ASSERT_TRUE(broker.create("before"));
  ASSERT_EQ(broker.append("before"), ErrorCode::kNone);
  files.fail_sync = true;
  const PartitionRef handle = broker.partition("before");
  broker.on_shard([&] {
    handle->partition->start_flush();
    return 0;
  });
  BrokerInProcess::wait_for([&] { return broker->storage_failure() != nullptr; },
                            "the failure to be known");
  files.fail_sync = false;  // it stays failed
  EXPECT_EQ(broker.append("before"), ErrorCode::kStorageError);
  const auto later = broker.create("later");
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().code, ErrorCode::kStorageError);
}

TEST(StorageFailure, ASyncThatFailsAnywhereInTheDirectoryCounts) {
  const TempDirectory directory;
  FaultyFiles files;
  BrokerInProcess broker(directory.path(), files);
  broker.open();
  ASSERT_TRUE(broker.create("t"));
  ASSERT_EQ(broker.append("t"), ErrorCode::kNone);
  const Uuid id = broker.partition("t")->topic_id;
  files.fail_sync = true;
  EXPECT_FALSE(broker->log_directory().write_checkpoints(
      {{"t", PartitionId(0), id, Offset(0), Offset(0), Offset(1)}}));
  EXPECT_EQ(broker.append("t"), ErrorCode::kStorageError);
}

TEST(StorageFailure, NoCleanMarkerIsLeftAfterAFailedSync) {
  const TempDirectory directory;
  FaultyFiles files;
  {
    BrokerInProcess broker(directory.path(), files);
    broker.open();
    ASSERT_TRUE(broker.create("t"));
    broker->storage_failed({Errc::kIo, "fdatasync: Input/output error"});
  }
  EXPECT_FALSE(std::filesystem::exists(directory.path() + "/.kafka_cleanshutdown"));
}

TEST(StorageFull, TheReserveIsForTheMetadataAlone) {
  const TempDirectory directory;
  BrokerInProcess broker(directory.path());
  broker.open();
  ASSERT_TRUE(broker.create("t"));
  const std::string reserve = directory.path() + "/.reserve";
  broker->storage_full({Errc::kStorageFull, "no space"});
  broker.on_control([] { return 0; });
  EXPECT_TRUE(std::filesystem::exists(reserve));
  EXPECT_EQ(broker.append("t"), ErrorCode::kNone);
  broker.on_control([&] {
    broker->release_reserve({Errc::kStorageFull, "no space"});
    return 0;
  });
  EXPECT_FALSE(std::filesystem::exists(reserve));
  EXPECT_EQ(broker.append("t"), ErrorCode::kStorageError);
  EXPECT_TRUE(broker.on_control([&] { return broker->restore_reserve(); }));
  EXPECT_TRUE(std::filesystem::exists(reserve));
  EXPECT_EQ(broker.append("t"), ErrorCode::kNone);
}

/// The same batch of an idempotent producer each time; how it was acknowledged with acks=all.
ErrorCode produce_again(BrokerInProcess& broker, const std::string& topic) {
  const PartitionRef handle = broker.partition(topic);
  return BrokerInProcess::ask<ErrorCode>([&](auto done) {
    broker.on_shard([&] {
      record::BatchBuilder::Options options;
      options.producer_id = ProducerId(7);
      options.producer_epoch = ProducerEpoch(0);
      options.base_sequence = 0;
      record::BatchBuilder builder(options);
      builder.add(1, "key", "value");
      std::vector<std::byte> batch = builder.finish();
      const auto view = record::BatchView::parse(batch);
      const AppendOutcome outcome = handle->partition->append(batch, view->header(), -1);
      if (outcome.error != ErrorCode::kNone)
        done(outcome.error);
      else
        handle->partition->when_acknowledged(outcome.end, -1, 5'000, std::move(done));
      return 0;
    });
  });
}

Offset end_of(BrokerInProcess& broker, const std::string& topic) {
  const PartitionRef handle = broker.partition(topic);
  return broker.on_shard([&] { return handle->partition->state().high_watermark; });
}

TEST(FlushAck, WhatADeadProcessLeftUnsyncedIsSyncedBeforeItCounts) {
  const TempDirectory directory;
  FaultyFiles files;
  {
    BrokerInProcess broker(directory.path(), files, {"penstock.flush=ack"});
    broker.open();
    ASSERT_TRUE(broker.create("t"));
    files.fail_sync = true;  // it dies before
    EXPECT_EQ(produce_again(broker, "t"), ErrorCode::kStorageError);
  }
  files.fail_sync = false;
  {
    BrokerInProcess broker(directory.path(), files, {"penstock.flush=ack"});
    broker.open();
    EXPECT_EQ(end_of(broker, "t"), Offset(1));
    EXPECT_EQ(produce_again(broker, "t"), ErrorCode::kNone);
    files.fail_sync = true;  // the power goes
  }
  files.fail_sync = false;
  ASSERT_TRUE(files.drop_unsynced());
  BrokerInProcess broker(directory.path(), files,
                         {"penstock.flush=ack", "log.recovery.assume.power.cut=true"});
  broker.open();
  EXPECT_EQ(end_of(broker, "t"), Offset(1)) << "an acknowledged record is gone";
}

TEST(FlushAck, WhatItFindsInMemoryWhenItIsSwitchedOnIsSyncedToo) {
  const TempDirectory directory;
  FaultyFiles files;
  {
    BrokerInProcess broker(directory.path(), files);
    broker.open();
    ASSERT_TRUE(broker.create("t"));
    ASSERT_EQ(produce_again(broker, "t"), ErrorCode::kNone);
    const PartitionRef handle = broker.partition("t");
    broker.on_shard([&] {
      TopicSettings settings = handle->partition->settings();
      settings.flush = FlushMode::kAck;
      handle->partition->set_settings(settings);
      return 0;
    });
    EXPECT_EQ(produce_again(broker, "t"), ErrorCode::kNone);
    files.fail_sync = true;  // the power goes
  }
  files.fail_sync = false;
  ASSERT_TRUE(files.drop_unsynced());
  BrokerInProcess broker(directory.path(), files, {"log.recovery.assume.power.cut=true"});
  broker.open();
  EXPECT_EQ(end_of(broker, "t"), Offset(1)) << "an acknowledged record is gone";
}

TEST(OpeningPartitions, AStopAskedForMeanwhileLeavesTheRestAsItWas) {
  const TempDirectory directory;
  constexpr int kPartitions = 30;
  {
    BrokerInProcess broker(directory.path());
    broker.open();
    ASSERT_TRUE(broker.create("t", kPartitions));
    ASSERT_EQ(broker.append("t"), ErrorCode::kNone);
  }
  FaultyFiles slow;
  std::atomic<bool> stop_asked = false;
  BrokerInProcess* starting = nullptr;
  slow.on_open = [&](const std::string& path) -> Status {
    if (!path.ends_with("/partition.metadata")) return {};
    stop_asked = true;
    BrokerInProcess::wait_for([&] { return (*starting)->opening_cancelled(); },
                              "the broker to hear of the stop");  // a slow disk
    return {};
  };
  {
    BrokerInProcess broker(directory.path(), slow);
    starting = &broker;
    const Status status = broker->open([&] { return stop_asked.load(); });
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Errc::kCancelled);
  }
  BrokerInProcess again(directory.path());
  again.open();
  for (int i = 0; i < kPartitions; ++i) {
    const PartitionRef handle = again.partition("t", i);
    ASSERT_TRUE(handle);
    EXPECT_EQ(again.on_shard(
                  [&] { return handle->partition ? handle->partition->log().end().value : -1; }),
              i == 0 ? 1 : 0)
        << i;
  }
}

}  // namespace
}  // namespace penstock::broker
