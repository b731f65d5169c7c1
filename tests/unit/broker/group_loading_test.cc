#include <atomic>

#include "broker/coordinator/at_group.h"
#include "broker/coordinator/offsets_records.h"
#include "tests/support/broker_process.h"
#include "tests/unit/broker/broker_in_process.h"
#include "tests/unit/broker/faulty_files.h"

namespace penstock::broker {
namespace {

using penstock::testing::TempDirectory;
using protocol::ErrorCode;

constexpr const char* kOnePartition = "offsets.topic.num.partitions=1";
constexpr std::int64_t kAnyTime = std::numeric_limits<std::int64_t>::max();

std::vector<std::string> one_partition() { return {kOnePartition}; }

ErrorCode commit(BrokerInProcess& broker, const std::string& group, const std::string& topic,
                 std::string metadata = "") {
  const PartitionRef partition = broker.partition(std::string(kConsumerOffsetsTopic));
  return BrokerInProcess::ask<ErrorCode>([&](auto done) {
    broker->shard(0).io().post([&broker, partition, group, topic, metadata, done]() mutable {
      CommitEvent event;
      event.offsets.push_back({{topic, 0}, {7, -1, metadata, 0}});
      broker->shard(0).groups().submit<CodeAnswer>(
          partition, group, std::move(event),
          [done](CodeAnswer& answer) mutable { done(answer.error); });
    });
  });
}

void create_offsets_topic(BrokerInProcess& broker) {
  ASSERT_TRUE(broker.create(std::string(kConsumerOffsetsTopic)));
  broker.on_control([&] {
    load_groups(broker->registry().current());
    return 0;
  });
  BrokerInProcess::wait_for([&] { return commit(broker, "first", "t") == ErrorCode::kNone; },
                            "the groups to be loaded");
}

std::optional<std::int64_t> committed(BrokerInProcess& broker, const std::string& group,
                                      const std::string& topic) {
  const PartitionRef partition = broker.partition(std::string(kConsumerOffsetsTopic));
  std::optional<std::int64_t> out;
  BrokerInProcess::wait_for(
      [&] {
        return broker.on_shard([&] {
          return broker->shard(0).groups().look(partition, group, [&](const Group* found) {
            if (found == nullptr) return;
            const auto at = found->offsets.find({topic, 0});
            if (at != found->offsets.end()) out = at->second.offset;
          });
        }) == ErrorCode::kNone;
      },
      "the groups to be loaded");
  return out;
}

/// The group's own record lies far behind its offsets: a load comes to it in a later step.
void fill_and_append_group_record(BrokerInProcess& broker) {
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(commit(broker, "filler", "f", std::string(30'000, 'x')), ErrorCode::kNone);
  const PartitionRef partition = broker.partition(std::string(kConsumerOffsetsTopic));
  record::BatchBuilder builder;
  builder.add(1, encode_key(GroupRecordKey{"g"}), std::nullopt);
  ASSERT_TRUE((BrokerInProcess::ask<bool>([&](auto done) {
    broker->shard(0).io().post([partition, batch = builder.finish(), done]() mutable {
      append_internal(*partition->partition, std::move(batch),
                      [done](const auto& stored) mutable { done(stored.has_value()); });
    });
  })));
}

TEST(GroupLoading, TopicsDeletedMeanwhileAreForgottenOnceTheGroupsAreThere) {
  const TempDirectory directory;
  {
    BrokerInProcess broker(directory.path(), log::posix_file_system(), one_partition());
    broker.open();
    create_offsets_topic(broker);
    ASSERT_EQ(commit(broker, "g", "gone"), ErrorCode::kNone);
    ASSERT_EQ(commit(broker, "g", "kept"), ErrorCode::kNone);
    fill_and_append_group_record(broker);
  }
  BrokerInProcess broker(directory.path(), log::posix_file_system(), one_partition());
  broker.open();
  const PartitionRef partition = broker.partition(std::string(kConsumerOffsetsTopic));
  std::atomic<int> asked = 0;
  std::atomic<int> stored = 0;
  // Between all steps of the load.
  BrokerInProcess::wait_for(
      [&] {
        return broker.on_shard([&] {
          ++asked;
          broker->shard(0).groups().topic_deleted("gone", kAnyTime,
                                                  [&](bool all) { stored += all ? 1 : 0; });
          return broker->shard(0).groups().look(partition, "g", [](const Group*) {});
        }) == ErrorCode::kNone;
      },
      "the groups to be loaded");
  BrokerInProcess::wait_for([&] { return stored == asked; }, "the tombstones");
  EXPECT_EQ(committed(broker, "g", "gone"), std::nullopt);
  EXPECT_EQ(committed(broker, "g", "kept"), 7);
}

TEST(GroupLoading, HalfLoadedGroupsAreNotShownAndAFailureIsNotTakenForNone) {
  const TempDirectory directory;
  {
    BrokerInProcess broker(directory.path(), log::posix_file_system(), one_partition());
    broker.open();
    create_offsets_topic(broker);
    ASSERT_EQ(commit(broker, "g", "t"), ErrorCode::kNone);
    fill_and_append_group_record(broker);
  }
  const auto list = [](BrokerInProcess& broker, int& groups) {
    return broker.on_shard([&] {
      groups = 0;
      return broker->shard(0).groups().look_at_all([&](const Group&) { ++groups; });
    });
  };
  int groups = 0;
  {
    BrokerInProcess broker(directory.path(), log::posix_file_system(), one_partition());
    broker.open();
    const PartitionRef partition = broker.partition(std::string(kConsumerOffsetsTopic));
    broker.on_shard([&] {
      broker->shard(0).groups().load(partition);
      return 0;
    });
    BrokerInProcess::wait_for(
        [&] {
          const ErrorCode error = list(broker, groups);
          EXPECT_TRUE(error == ErrorCode::kNone || groups == 0) << groups;
          return error == ErrorCode::kNone;
        },
        "the groups to be loaded");
    EXPECT_EQ(groups, 3);
  }
  FaultyFiles files;
  files.on_open = [](const std::string& path) -> Status {
    if (path.find("__consumer_offsets-0/0000") == std::string::npos) return {};
    return fail(Errc::kStorageFull, "open " + path + ": No space left on device");
  };
  BrokerInProcess broker(directory.path(), files, one_partition());
  broker.open();
  BrokerInProcess::wait_for(
      [&] { return list(broker, groups) == ErrorCode::kCoordinatorNotAvailable; },
      "the load to fail");
  EXPECT_EQ(groups, 0);
}

TEST(GroupLoading, ARecordThatCanBeNoGroupsDoesNotTakeTheOthersAway) {
  const TempDirectory directory;
  {
    BrokerInProcess broker(directory.path(), log::posix_file_system(), one_partition());
    broker.open();
    create_offsets_topic(broker);
    ASSERT_EQ(commit(broker, "g", "t"), ErrorCode::kNone);
    const PartitionRef partition = broker.partition(std::string(kConsumerOffsetsTopic));
    record::BatchBuilder builder;
    // A group id of 40,000 bytes, as a classic length tells it.
    builder.add(1, std::string("\0\1\x9C\x40", 4) + std::string(40'000, 'g'), "");
    builder.add(1, std::nullopt, "");
    builder.add(1, "", std::nullopt);
    ASSERT_TRUE((BrokerInProcess::ask<bool>([&](auto done) {
      broker->shard(0).io().post([partition, batch = builder.finish(), done]() mutable {
        append_internal(*partition->partition, std::move(batch),
                        [done](const auto& stored) mutable { done(stored.has_value()); });
      });
    })));
  }
  BrokerInProcess broker(directory.path(), log::posix_file_system(), one_partition());
  broker.open();
  EXPECT_EQ(committed(broker, "g", "t"), 7);
}

TEST(DeletedTopic, TombstonesThatWereNotStoredAreStoredByTheNextStart) {
  const TempDirectory directory;
  {
    BrokerInProcess broker(directory.path(), log::posix_file_system(), one_partition());
    broker.open();
    create_offsets_topic(broker);
    ASSERT_TRUE(broker.create("gone"));
    ASSERT_EQ(commit(broker, "g", "gone"), ErrorCode::kNone);
    broker.on_control([&] {
      broker->release_reserve({Errc::kStorageFull, "no space"});
      return 0;
    });
    ASSERT_TRUE(broker.remove("gone"));
    EXPECT_EQ(committed(broker, "g", "gone"), 7);
  }
  BrokerInProcess broker(directory.path(), log::posix_file_system(), one_partition());
  broker.open();
  BrokerInProcess::wait_for([&] { return !committed(broker, "g", "gone"); }, "the offsets to go");
}

}  // namespace
}  // namespace penstock::broker
