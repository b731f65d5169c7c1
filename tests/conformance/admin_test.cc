#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "framework/protocol/api.h"
#include "framework/protocol/messages/alter_partition_reassignments.h"
#include "framework/protocol/messages/alter_replica_log_dirs.h"
#include "framework/protocol/messages/create_partitions.h"
#include "framework/protocol/messages/create_topics.h"
#include "framework/protocol/messages/delete_topics.h"
#include "framework/protocol/messages/describe_cluster.h"
#include "framework/protocol/messages/describe_log_dirs.h"
#include "framework/protocol/messages/describe_quorum.h"
#include "framework/protocol/messages/describe_topic_partitions.h"
#include "framework/protocol/messages/elect_leaders.h"
#include "framework/protocol/messages/list_config_resources.h"
#include "framework/protocol/messages/list_partition_reassignments.h"
#include "framework/protocol/messages/produce.h"
#include "framework/record/batch.h"
#include "raw_client.h"
#include "tests/support/broker_process.h"

// What one broker answers to administrators; expectations are Apache Kafka 4.3.0's, which was asked
// the same.
namespace penstock::testing {
namespace {

using namespace protocol;

class Admin : public ::testing::Test {
 protected:
  TempDirectory directory_;
  BrokerProcess broker_{directory_.path() + "/data", {"max.request.partition.size.limit=3"}};
  RawClient client_{broker_.port()};

  template <class Response, class Request>
  Response ask(ApiKey api, std::int16_t version, const Request& request) {
    client_.send(api, version, ++correlation_, request);
    return client_.receive_as<Response>(api, version, correlation_);
  }
  CreateTopicsResponse::Topic create(CreateTopicsRequest::Topic topic, bool validate_only = false) {
    CreateTopicsRequest request;
    request.topics.push_back(std::move(topic));
    request.validate_only = validate_only;
    return ask<CreateTopicsResponse>(ApiKey::kCreateTopics, 7, request).topics.at(0);
  }
  void create(const char* name, std::int32_t partitions) {
    ASSERT_EQ(create({name, partitions, 1, {}, {}}).error, ErrorCode::kNone);
  }
  using Assignments = std::vector<CreateTopicsRequest::Assignment>;
  CreateTopicsResponse::Topic assign(Assignments assignments) {
    return create({"assigned", -1, -1, std::move(assignments), {}}, true);
  }

 private:
  std::int32_t correlation_ = 0;
};

TEST_F(Admin, TopicsAreCreatedWithTheAssignmentThatIsGiven) {
  const auto created = create({"t", -1, -1, {{1, {1}}, {0, {1}}}, {{"retention.ms", "5"}}});
  EXPECT_EQ(created.error, ErrorCode::kNone);
  EXPECT_EQ(created.partitions, 2);
  EXPECT_EQ(created.replication_factor, 1);
  EXPECT_FALSE(created.id.is_zero());
  bool told = false;
  for (const auto& config : *created.configs)
    told = told || (config.name == "retention.ms" && config.value == "5" && config.source == 1);
  EXPECT_TRUE(told);
}
TEST_F(Admin, AssignmentsToOtherBrokersAreRefused) {
  using Case = std::pair<Assignments, const char*>;
  const std::vector<Case> cases = {
      {{{0, {2}}},
       "The manual partition assignment includes broker 2, but no such broker is registered."},
      {{{0, {}}}, "The manual partition assignment includes an empty replica list."},
      {{{0, {1, 1}}}, "The manual partition assignment includes the broker 1 more than once."},
      {{{1, {1}}}, "partitions should be a consecutive 0-based integer sequence"},
      {{{0, {1}}, {2, {1}}}, "partitions should be a consecutive 0-based integer sequence"},
      {{{0, {1}}, {0, {1}}}, "Found multiple manual partition assignments for partition 0"},
      {{{-1, {1}}}, "partitions should be a consecutive 0-based integer sequence"},
  };
  for (const auto& [assignments, text] : cases) {
    const auto refused = assign(assignments);
    EXPECT_EQ(refused.error, ErrorCode::kInvalidReplicaAssignment);
    EXPECT_EQ(refused.message, text);
  }
  const auto both = create({"assigned", 2, -1, {{0, {1}}}, {}}, true);
  EXPECT_EQ(both.error, ErrorCode::kInvalidRequest);
}
TEST_F(Admin, NamesThatDifferInDotsAloneCollide) {
  create("a_b", 1);
  const auto refused = create({"a.b", 1, 1, {}, {}}, true);
  EXPECT_EQ(refused.error, ErrorCode::kInvalidTopic);
  EXPECT_EQ(refused.message, "Topic 'a.b' collides with existing topic: a_b");
  EXPECT_EQ(create({"a_b", 1, 1, {}, {}}, true).error, ErrorCode::kTopicAlreadyExists);
}
TEST_F(Admin, ATopicThatIsNamedTwiceIsRefusedAndTheOthersAreCreated) {
  CreateTopicsRequest request;
  request.topics = {{"d", 1, 1, {}, {}}, {"d", 1, 1, {}, {}}, {"e", 1, 1, {}, {}}};
  const auto response = ask<CreateTopicsResponse>(ApiKey::kCreateTopics, 7, request);
  ASSERT_EQ(response.topics.size(), 2U);
  EXPECT_EQ(response.topics.at(0).error, ErrorCode::kInvalidRequest);
  EXPECT_EQ(response.topics.at(0).message, "Duplicate topic name.");
  EXPECT_EQ(response.topics.at(1).error, ErrorCode::kNone);
}
TEST_F(Admin, WhatIsOnlyValidatedIsNotCreated) {
  EXPECT_EQ(create({"t", 1, 1, {}, {}}, true).error, ErrorCode::kNone);
  EXPECT_EQ(create({"t", 1, 1, {}, {}}).error, ErrorCode::kNone);
  EXPECT_EQ(create({"u", 1, 2, {}, {}}, true).error, ErrorCode::kInvalidReplicationFactor);
  EXPECT_EQ(create({"u", 0, 1, {}, {}}, true).error, ErrorCode::kInvalidPartitions);
}
TEST_F(Admin, PartitionsAreAddedWhereTheBrokerIs) {
  create("t", 1);
  const auto grow = [&](std::int32_t count, std::vector<std::vector<std::int32_t>> brokers) {
    CreatePartitionsRequest request;
    CreatePartitionsRequest::Topic topic{"t", count, {}};
    for (auto& replicas : brokers) {
      if (!topic.assignments) topic.assignments.emplace();
      topic.assignments->push_back({std::move(replicas)});
    }
    request.topics = {topic};
    return ask<CreatePartitionsResponse>(ApiKey::kCreatePartitions, 3, request).topics.at(0).error;
  };
  EXPECT_EQ(grow(2, {{2}}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(grow(3, {{1}}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(grow(1, {}), ErrorCode::kInvalidPartitions);
  EXPECT_EQ(grow(3, {{1}, {1}}), ErrorCode::kNone);
  EXPECT_EQ(grow(3, {}), ErrorCode::kInvalidPartitions);
}
TEST_F(Admin, ATopicIsDeletedByNameOrById) {
  const Uuid id = create({"t", 1, 1, {}, {}}).id;
  create("u", 1);
  const auto remove = [&](std::vector<DeleteTopicsRequest::Topic> topics) {
    DeleteTopicsRequest request;
    request.topics = std::move(topics);
    return ask<DeleteTopicsResponse>(ApiKey::kDeleteTopics, 6, request).topics;
  };
  EXPECT_EQ(remove({{"t", id}}).at(0).error, ErrorCode::kInvalidRequest);
  EXPECT_EQ(remove({{std::nullopt, Uuid()}}).at(0).error, ErrorCode::kInvalidRequest);
  EXPECT_EQ(remove({{std::nullopt, Uuid::random()}}).at(0).error, ErrorCode::kUnknownTopicId);
  const auto twice = remove({{"u", Uuid()}, {"u", Uuid()}});
  ASSERT_EQ(twice.size(), 1U);
  EXPECT_EQ(twice.at(0).error, ErrorCode::kInvalidRequest);
  const auto removed = remove({{std::nullopt, id}}).at(0);
  EXPECT_EQ(removed.error, ErrorCode::kNone);
  EXPECT_EQ(removed.name, "t");
  EXPECT_EQ(remove({{"t", Uuid()}}).at(0).error, ErrorCode::kUnknownTopicOrPartition);
}
TEST_F(Admin, TopicsAreNotDeletedWhereThatIsForbidden) {
  const TempDirectory other;
  const BrokerProcess strict{other.path() + "/data", {"delete.topic.enable=false"}};
  RawClient client(strict.port());
  DeleteTopicsRequest request;
  request.names = {"t"};
  client.send(ApiKey::kDeleteTopics, 5, 1, request);
  EXPECT_EQ(client.receive_as<DeleteTopicsResponse>(ApiKey::kDeleteTopics, 5, 1).topics.at(0).error,
            ErrorCode::kTopicDeletionDisabled);
}

TEST_F(Admin, TheLogDirectoryIsDescribedWithTheBytesOfItsPartitions) {
  create("t", 2);
  record::BatchBuilder builder;
  builder.add(1'700'000'000'000, "key", "value");
  const auto batch = builder.finish();
  ProduceRequest produce;
  produce.acks = -1;
  produce.timeout_ms = 1000;
  produce.topics = {{"t", {}, {{PartitionId(1), batch}}}};
  ASSERT_EQ(ask<ProduceResponse>(ApiKey::kProduce, 9, produce).topics.at(0).partitions.at(0).error,
            ErrorCode::kNone);
  for (std::int16_t version = 1; version <= 5; ++version) {
    DescribeLogDirsRequest request;
    const auto all = ask<DescribeLogDirsResponse>(ApiKey::kDescribeLogDirs, version, request);
    ASSERT_EQ(all.directories.size(), 1U);
    const auto& directory = all.directories.at(0);
    EXPECT_EQ(directory.error, ErrorCode::kNone);
    EXPECT_EQ(directory.path.front(), '/');
    EXPECT_EQ(directory.total_bytes > 0, version >= 4);
    EXPECT_LE(directory.usable_bytes, directory.total_bytes);
    ASSERT_EQ(directory.topics.size(), 1U);
    ASSERT_EQ(directory.topics.at(0).partitions.size(), 2U);
    EXPECT_EQ(directory.topics.at(0).partitions.at(0).size_bytes, 0);
    EXPECT_EQ(directory.topics.at(0).partitions.at(1).size_bytes,
              static_cast<std::int64_t>(batch.size()));
    request.topics = std::vector<DescribeLogDirsRequest::Topic>{{"t", {1, 7, 1}}, {"none", {0}}};
    const auto some = ask<DescribeLogDirsResponse>(ApiKey::kDescribeLogDirs, version, request);
    ASSERT_EQ(some.directories.at(0).topics.size(), 1U);
    EXPECT_EQ(some.directories.at(0).topics.at(0).partitions.size(), 1U);
  }
}
TEST_F(Admin, APartitionCanBeMovedToTheDirectoryWhereItIsAndNowhereElse) {
  create("t", 1);
  const std::string here =
      ask<DescribeLogDirsResponse>(ApiKey::kDescribeLogDirs, 1, DescribeLogDirsRequest())
          .directories.at(0)
          .path;
  const auto move = [&](std::string_view path, std::int32_t partition) {
    AlterReplicaLogDirsRequest request;
    request.directories = {{path, {{"t", {partition}}}}};
    return ask<AlterReplicaLogDirsResponse>(ApiKey::kAlterReplicaLogDirs, 2, request)
        .topics.at(0)
        .partitions.at(0)
        .error;
  };
  EXPECT_EQ(move(here, 0), ErrorCode::kNone);
  EXPECT_EQ(move(here, 1), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(move("/elsewhere", 0), ErrorCode::kLogDirNotFound);
}

TEST_F(Admin, NoLeaderNeedsToBeElected) {
  create("t", 2);
  ElectLeadersRequest request;
  request.topics = std::vector<ElectLeadersRequest::Topic>{{"t", {0, 9}}, {"none", {0}}};
  for (std::int16_t version = 0; version <= 2; ++version) {
    const auto response = ask<ElectLeadersResponse>(ApiKey::kElectLeaders, version, request);
    EXPECT_EQ(response.error, ErrorCode::kNone);
    EXPECT_EQ(response.topics.at(0).partitions.at(0).error, ErrorCode::kElectionNotNeeded);
    EXPECT_EQ(response.topics.at(0).partitions.at(1).error, ErrorCode::kUnknownTopicOrPartition);
    EXPECT_EQ(response.topics.at(1).partitions.at(0).message, "No such topic as none");
  }
  request.topics.reset();
  const auto all = ask<ElectLeadersResponse>(ApiKey::kElectLeaders, 2, request);
  EXPECT_TRUE(all.topics.at(0).partitions.empty());
  request.topics = std::vector<ElectLeadersRequest::Topic>{{"t", {0}}};
  request.election_type = 5;
  const auto unknown = ask<ElectLeadersResponse>(ApiKey::kElectLeaders, 2, request);
  EXPECT_EQ(unknown.error, ErrorCode::kInvalidRequest);
  EXPECT_EQ(unknown.topics.at(0).partitions.at(0).error, ErrorCode::kInvalidRequest);
}

TEST_F(Admin, APartitionIsReassignedToTheOneBrokerOnly) {
  create("t", 1);
  const auto reassign = [&](const char* topic, std::int32_t partition,
                            std::optional<std::vector<std::int32_t>> replicas) {
    AlterPartitionReassignmentsRequest request;
    request.topics = {{topic, {{partition, std::move(replicas)}}}};
    return ask<AlterPartitionReassignmentsResponse>(ApiKey::kAlterPartitionReassignments, 1,
                                                    request)
        .topics.at(0)
        .partitions.at(0)
        .error;
  };
  using Replicas = std::vector<std::int32_t>;
  EXPECT_EQ(reassign("t", 0, Replicas{1}), ErrorCode::kNone);
  EXPECT_EQ(reassign("t", 0, std::nullopt), ErrorCode::kNoReassignmentInProgress);
  EXPECT_EQ(reassign("t", 0, Replicas{}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(reassign("t", 0, Replicas{2}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(reassign("t", 0, Replicas{1, 1}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(reassign("t", 1, Replicas{1}), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(reassign("none", 0, std::nullopt), ErrorCode::kUnknownTopicOrPartition);
  const auto list = ask<ListPartitionReassignmentsResponse>(ApiKey::kListPartitionReassignments, 0,
                                                            ListPartitionReassignmentsRequest());
  EXPECT_EQ(list.error, ErrorCode::kNone);
  EXPECT_TRUE(list.topics.empty());
}

TEST_F(Admin, ResourcesThatHaveSettingsAreListedByType) {
  create("t", 1);
  const auto list = [&](std::int16_t version, std::vector<std::int8_t> types) {
    ListConfigResourcesRequest request;
    request.types = std::move(types);
    return ask<ListConfigResourcesResponse>(ApiKey::kListConfigResources, version, request);
  };
  EXPECT_TRUE(list(0, {}).resources.empty()) << "v0 means client metrics";
  const auto topics = list(1, {2});
  ASSERT_EQ(topics.resources.size(), 1U);
  EXPECT_EQ(topics.resources.at(0).name, "t");
  EXPECT_EQ(topics.resources.at(0).type, 2);
  EXPECT_EQ(list(1, {4}).resources.at(0).name, "1");
  EXPECT_GE(list(1, {}).resources.size(), 2U);
  EXPECT_TRUE(list(1, {16, 32}).resources.empty());
  EXPECT_EQ(list(1, {2, 99}).error, ErrorCode::kUnsupportedVersion);
}

class DescribeTopicPartitions : public Admin {
 protected:
  DescribeTopicPartitionsResponse describe(
      std::vector<std::string_view> names, std::int32_t limit,
      std::optional<DescribeTopicPartitionsRequest::Cursor> cursor = std::nullopt) {
    DescribeTopicPartitionsRequest request;
    for (const std::string_view name : names) request.topics.push_back({name});
    request.partitions_max = limit;
    request.cursor = cursor;
    return ask<DescribeTopicPartitionsResponse>(ApiKey::kDescribeTopicPartitions, 0, request);
  }
};

TEST_F(DescribeTopicPartitions, APageEndsInACursorThatTheNextBeginsWith) {
  create("a", 2);
  create("b", 2);
  const auto first = describe({"b", "a", "a"}, 1);
  ASSERT_EQ(first.topics.size(), 1U);
  EXPECT_EQ(first.topics.at(0).name, "a");
  EXPECT_EQ(first.topics.at(0).partitions.size(), 1U);
  EXPECT_EQ(first.topics.at(0).partitions.at(0).leader, BrokerId(1));
  EXPECT_EQ(first.topics.at(0).authorized_operations, 3576);
  ASSERT_TRUE(first.next);
  EXPECT_EQ(first.next->topic, "a");
  EXPECT_EQ(first.next->partition, 1);
  const auto second = describe({"a", "b"}, 1, {{"a", 1}});
  EXPECT_EQ(second.topics.at(0).partitions.at(0).index, PartitionId(1));
  ASSERT_TRUE(second.next);
  EXPECT_EQ(second.next->topic, "b");
  EXPECT_EQ(second.next->partition, 0);
  const auto third = describe({"a", "b"}, 9, {{"b", 0}});
  EXPECT_EQ(third.topics.at(0).name, "b");
  EXPECT_EQ(third.topics.at(0).partitions.size(), 2U);
  EXPECT_FALSE(third.next);
}
TEST_F(DescribeTopicPartitions, TheBrokersLimitHoldsWhateverIsAskedFor) {
  create("a", 2);
  create("b", 2);
  const auto page = describe({}, 2'000'000);
  EXPECT_EQ(page.topics.at(1).partitions.size(), 1U) << "max.request.partition.size.limit is 3";
  ASSERT_TRUE(page.next);
  EXPECT_EQ(page.next->topic, "b");
  EXPECT_EQ(page.next->partition, 1);
  EXPECT_EQ(describe({"a"}, -1).topics.at(0).partitions.size(), 1U) << "at least one";
}
TEST_F(DescribeTopicPartitions, UnknownTopicsAndCursorsAreErrors) {
  create("a", 2);
  const auto unknown = describe({"none", "no good"}, 9);
  EXPECT_EQ(unknown.topics.at(0).error, ErrorCode::kInvalidTopic);
  EXPECT_EQ(unknown.topics.at(1).error, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(describe({"a"}, 9, {{"a", -1}}).topics.at(0).error, ErrorCode::kInvalidRequest);
  EXPECT_EQ(describe({"a"}, 9, {{"b", 0}}).topics.at(0).error, ErrorCode::kInvalidRequest);
  EXPECT_TRUE(describe({"a"}, 9, {{"a", 7}}).topics.at(0).partitions.empty());
}

TEST_F(Admin, TheClusterIsOneBrokerAndHasNoOtherEndpoints) {
  DescribeClusterRequest request;
  request.include_authorized_operations = true;
  const auto cluster = ask<DescribeClusterResponse>(ApiKey::kDescribeCluster, 2, request);
  ASSERT_EQ(cluster.brokers.size(), 1U);
  EXPECT_EQ(cluster.brokers.at(0).id, 1);
  EXPECT_EQ(cluster.controller_id, 1);
  EXPECT_EQ(cluster.authorized_operations, 8096);
  request.endpoint_type = 2;
  EXPECT_EQ(ask<DescribeClusterResponse>(ApiKey::kDescribeCluster, 2, request).error,
            ErrorCode::kMismatchedEndpointType);
  request.endpoint_type = 9;
  EXPECT_EQ(ask<DescribeClusterResponse>(ApiKey::kDescribeCluster, 2, request).error,
            ErrorCode::kUnsupportedEndpointType);
}
TEST_F(Admin, TheBrokerIsTheOneVoterAndItsOffsetsAreChangesOfMetadata) {
  DescribeQuorumRequest request;
  request.topics = {{"__cluster_metadata", {{0}}}};
  const auto quorum = [&] {
    return ask<DescribeQuorumResponse>(ApiKey::kDescribeQuorum, 2, request);
  };
  const auto before = quorum().topics.at(0).partitions.at(0);
  EXPECT_EQ(before.error, ErrorCode::kNone);
  EXPECT_EQ(before.leader_id, 1);
  EXPECT_EQ(before.voters.size(), 1U);
  EXPECT_TRUE(before.observers.empty());
  create("q", 1);
  const auto after = quorum().topics.at(0).partitions.at(0);
  EXPECT_GT(after.high_watermark, before.high_watermark);
  EXPECT_EQ(after.voters.at(0).log_end_offset, after.high_watermark);
  request.topics.push_back({"__cluster_metadata", {{0}}});
  EXPECT_EQ(quorum().topics.at(1).partitions.at(0).error, ErrorCode::kUnknownTopicOrPartition);
}

}  // namespace
}  // namespace penstock::testing
