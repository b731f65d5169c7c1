#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "framework/protocol/api.h"
#include "framework/protocol/messages/alter_configs.h"
#include "framework/protocol/messages/consumer_group_heartbeat.h"
#include "framework/protocol/messages/create_topics.h"
#include "framework/protocol/messages/describe_configs.h"
#include "framework/protocol/messages/fetch.h"
#include "framework/protocol/messages/find_coordinator.h"
#include "framework/protocol/messages/incremental_alter_configs.h"
#include "framework/protocol/messages/produce.h"
#include "framework/record/batch.h"
#include "raw_client.h"
#include "tests/support/broker_process.h"

// Settings of topics, of the broker and of its log as administrators see and change them.
namespace penstock::testing {
namespace {

using namespace protocol;

constexpr std::int8_t kTopic = 2;
constexpr std::int8_t kBroker = 4;
constexpr std::int8_t kLogger = 8;
constexpr std::int8_t kGroup = 32;
enum Operation : std::int8_t { kSet = 0, kDelete = 1, kAppend = 2, kSubtract = 3 };

class Configs : public ::testing::Test {
 protected:
  TempDirectory directory_;
  BrokerProcess broker_{directory_.path() + "/data", {"log.retention.hours=48"}};
  RawClient client_{broker_.port()};

  template <class Response, class Request>
  Response ask(ApiKey api, std::int16_t version, const Request& request) {
    client_.send(api, version, ++correlation_, request);
    return client_.receive_as<Response>(api, version, correlation_);
  }
  void create(const char* name, std::vector<CreateTopicsRequest::Config> configs = {}) {
    CreateTopicsRequest request;
    request.topics = {{name, 1, 1, {}, std::move(configs)}};
    const auto topic = ask<CreateTopicsResponse>(ApiKey::kCreateTopics, 7, request).topics.at(0);
    ASSERT_EQ(topic.error, ErrorCode::kNone) << topic.message.value_or("");
  }
  using Config = IncrementalAlterConfigsRequest::Config;
  IncrementalAlterConfigsResponse::Resource alter(std::int8_t type, std::string_view name,
                                                  std::vector<Config> configs) {
    IncrementalAlterConfigsRequest request;
    request.resources = {{type, name, std::move(configs)}};
    return ask<IncrementalAlterConfigsResponse>(ApiKey::kIncrementalAlterConfigs, 1, request)
        .resources.at(0);
  }
  DescribeConfigsResponse::Result describe(std::int8_t type, std::string_view name) {
    DescribeConfigsRequest request;
    request.resources = {{type, name, std::nullopt}};
    request.include_synonyms = true;
    request.include_documentation = true;
    return ask<DescribeConfigsResponse>(ApiKey::kDescribeConfigs, 4, request).results.at(0);
  }
  DescribeConfigsResponse::Config setting(std::int8_t type, std::string_view resource,
                                          std::string_view name) {
    for (auto& config : describe(type, resource).configs)
      if (config.name == name) return config;
    ADD_FAILURE() << name << " is not described";
    return {};
  }

 private:
  std::int32_t correlation_ = 0;
};

TEST_F(Configs, ATopicsSettingTellsWhereItsValueComesFrom) {
  create("t");
  auto config = setting(kTopic, "t", "retention.ms");
  EXPECT_EQ(config.value, "172800000");
  EXPECT_EQ(config.source, 4) << "the properties file says hours";
  EXPECT_EQ(config.synonyms.at(0).name, "log.retention.hours");
  EXPECT_FALSE(config.documentation.value_or("").empty());
  EXPECT_EQ(config.type, 5);
  EXPECT_EQ(alter(kBroker, "", {{"log.retention.ms", kSet, "1000000"}}).error, ErrorCode::kNone);
  config = setting(kTopic, "t", "retention.ms");
  EXPECT_EQ(config.value, "1000000");
  EXPECT_EQ(config.source, 3);
  EXPECT_EQ(alter(kBroker, "1", {{"log.retention.ms", kSet, "2000000"}}).error, ErrorCode::kNone);
  EXPECT_EQ(alter(kTopic, "t", {{"retention.ms", kSet, "5"}}).error, ErrorCode::kNone);
  config = setting(kTopic, "t", "retention.ms");
  std::vector<std::int8_t> sources;
  for (const auto& synonym : config.synonyms) sources.push_back(synonym.source);
  EXPECT_EQ(config.value, "5");
  EXPECT_EQ(sources, (std::vector<std::int8_t>{1, 2, 3, 4}));
  EXPECT_EQ(alter(kTopic, "t", {{"retention.ms", kDelete, std::nullopt}}).error, ErrorCode::kNone);
  EXPECT_EQ(setting(kTopic, "t", "retention.ms").value, "2000000");
}
TEST_F(Configs, AGroupsSettingsReachItsMembers) {
  create("t");
  const auto join = [this](std::string_view group, std::string_view member) {
    ConsumerGroupHeartbeatRequest request;
    request.group_id = group;
    request.member_id = member;
    request.rebalance_timeout_ms = 60'000;
    request.topics = {"t"};
    request.owned.emplace();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    auto answer = ask<ConsumerGroupHeartbeatResponse>(ApiKey::kConsumerGroupHeartbeat, 1, request);
    while (answer.error != ErrorCode::kNone && std::chrono::steady_clock::now() < deadline)
      answer = ask<ConsumerGroupHeartbeatResponse>(ApiKey::kConsumerGroupHeartbeat, 1, request);
    return answer.heartbeat_interval_ms;
  };
  FindCoordinatorRequest find;
  find.keys = {"g"};
  const auto found = ask<FindCoordinatorResponse>(ApiKey::kFindCoordinator, 6, find);
  EXPECT_EQ(found.coordinators.at(0).error, ErrorCode::kNone);
  const char* const kHeartbeat = "consumer.heartbeat.interval.ms";
  EXPECT_EQ(setting(kGroup, "g", kHeartbeat).source, 5);
  EXPECT_EQ(alter(kGroup, "g", {{kHeartbeat, kSet, "7000"}}).error, ErrorCode::kNone);
  EXPECT_EQ(alter(kGroup, "g", {{kHeartbeat, kSet, "70000"}}).error, ErrorCode::kInvalidConfig);
  EXPECT_EQ(setting(kGroup, "g", kHeartbeat).value, "7000");
  EXPECT_EQ(setting(kGroup, "g", kHeartbeat).source, 8);
  EXPECT_EQ(join("g", "one"), 7000);
  EXPECT_EQ(join("other", "two"), 5000);
}
TEST_F(Configs, TheBrokerTellsWhatCanBeChangedWhileItRuns) {
  EXPECT_FALSE(setting(kBroker, "1", "log.retention.ms").read_only);
  EXPECT_TRUE(setting(kBroker, "1", "log.retention.hours").read_only);
  EXPECT_TRUE(setting(kBroker, "1", "listeners").read_only);
  EXPECT_TRUE(describe(kBroker, "").configs.empty());
  EXPECT_EQ(alter(kBroker, "", {{"message.max.bytes", kSet, "2000"}}).error, ErrorCode::kNone);
  const auto all = describe(kBroker, "").configs;
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all.at(0).name, "message.max.bytes");
  EXPECT_EQ(all.at(0).source, 3);
  EXPECT_EQ(describe(kBroker, "2").error, ErrorCode::kInvalidRequest);
  EXPECT_EQ(describe(kBroker, "x").error, ErrorCode::kInvalidRequest);
  EXPECT_EQ(describe(99, "x").error, ErrorCode::kInvalidRequest);
}
TEST_F(Configs, WrongChangesOfTheBrokerAreRefusedAsKafkaDoes) {
  struct Case {
    const char* resource;
    Config config;
    ErrorCode error;
    const char* text;
  };
  for (const Case& each : std::vector<Case>{
           {"1",
            {"num.partitions", kSet, "3"},
            ErrorCode::kInvalidRequest,
            "Cannot update these configs dynamically: [num.partitions]"},
           {"1",
            {"log.retention.ms", kSet, "soon"},
            ErrorCode::kInvalidRequest,
            "Invalid value soon for configuration log.retention.ms: Not a number of type LONG"},
           {"1",
            {"log.retention.ms", kSet, std::nullopt},
            ErrorCode::kInvalidRequest,
            "Null value not supported for : log.retention.ms"},
           {"1",
            {"log.retention.ms", kAppend, "3"},
            ErrorCode::kInvalidConfig,
            "Can't APPEND to key log.retention.ms because its type is not LIST."},
           {"1",
            {"log.segment.bytes", static_cast<Operation>(9), "1"},
            ErrorCode::kInvalidRequest,
            "Unknown operations type 9"},
           {"2",
            {"log.retention.ms", kSet, "1"},
            ErrorCode::kInvalidRequest,
            "Unexpected broker id, expected 1, but received 2"},
       }) {
    const auto outcome = alter(kBroker, each.resource, {each.config});
    EXPECT_EQ(outcome.error, each.error) << each.text;
    EXPECT_EQ(outcome.message, each.text);
  }
  const auto twice =
      alter(kBroker, "1", {{"log.retention.ms", kSet, "1"}, {"log.retention.ms", kSet, "2"}});
  EXPECT_EQ(twice.message, "Error due to duplicate config keys");
}
TEST_F(Configs, ListsAreAppendedToAndSubtractedFrom) {
  create("t");
  EXPECT_EQ(alter(kTopic, "t", {{"cleanup.policy", kAppend, "compact"}}).error, ErrorCode::kNone);
  EXPECT_EQ(setting(kTopic, "t", "cleanup.policy").value, "delete,compact");
  EXPECT_EQ(alter(kTopic, "t", {{"cleanup.policy", kSubtract, "delete"}}).error, ErrorCode::kNone);
  EXPECT_EQ(setting(kTopic, "t", "cleanup.policy").value, "compact");
  EXPECT_EQ(alter(kTopic, "t", {{"cleanup.policy", kAppend, "nope"}}).error,
            ErrorCode::kInvalidConfig);
  EXPECT_EQ(alter(kBroker, "1", {{"log.cleanup.policy", kAppend, "compact"}}).error,
            ErrorCode::kNone);
  EXPECT_EQ(setting(kBroker, "1", "log.cleanup.policy").value, "delete,compact");
}
TEST_F(Configs, TheOldRequestSetsAllThatIsNotNamedBack) {
  create("t", {{"retention.ms", "5"}, {"segment.ms", "6"}});
  AlterConfigsRequest request;
  request.resources = {{kTopic, "t", {{"segment.ms", "7"}}}, {kBroker, "", {}}};
  for (const auto& resource :
       ask<AlterConfigsResponse>(ApiKey::kAlterConfigs, 2, request).resources)
    EXPECT_EQ(resource.error, ErrorCode::kNone);
  EXPECT_EQ(setting(kTopic, "t", "retention.ms").value, "172800000");
  EXPECT_EQ(setting(kTopic, "t", "segment.ms").value, "7");
}
TEST_F(Configs, WhatKindsOfResourceThereAre) {
  EXPECT_EQ(alter(kTopic, "", {}).message, "Default topic resources are not allowed.");
  EXPECT_EQ(alter(kTopic, "none", {}).error, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(alter(99, "x", {}).error, ErrorCode::kInvalidRequest);
  EXPECT_EQ(alter(16, "metrics", {{"interval.ms", kSet, "1000"}}).error,
            ErrorCode::kInvalidRequest);
}
TEST_F(Configs, TheLevelOfTheLogIsALoggers) {
  EXPECT_EQ(setting(kLogger, "1", "root").value, "INFO");
  EXPECT_EQ(alter(kLogger, "1", {{"root", kSet, "DEBUG"}}).error, ErrorCode::kNone);
  const auto root = setting(kLogger, "1", "root");
  EXPECT_EQ(root.value, "DEBUG");
  EXPECT_EQ(root.source, 6);
  EXPECT_EQ(alter(kLogger, "1", {{"root", kSet, "LOUD"}}).error, ErrorCode::kInvalidConfig);
  EXPECT_EQ(alter(kLogger, "1", {{"other", kSet, "INFO"}}).error, ErrorCode::kInvalidConfig);
  EXPECT_EQ(alter(kLogger, "1", {{"root", kDelete, std::nullopt}}).error,
            ErrorCode::kInvalidRequest);
  EXPECT_EQ(alter(kLogger, "2", {{"root", kSet, "INFO"}}).error, ErrorCode::kInvalidRequest);
}
TEST_F(Configs, BatchesAreStoredInTheTopicsCodec) {
  create("t", {{"compression.type", "zstd"}});
  record::BatchBuilder builder;
  builder.add(1'700'000'000'000, "key", std::string(1000, 'v'));
  const auto plain = builder.finish();
  ProduceRequest produce;
  produce.acks = -1;
  produce.timeout_ms = 1000;
  produce.topics = {{"t", {}, {{PartitionId(0), plain}}}};
  EXPECT_EQ(ask<ProduceResponse>(ApiKey::kProduce, 9, produce).topics.at(0).partitions.at(0).error,
            ErrorCode::kNone);
  FetchRequest fetch;
  fetch.bytes_max = 100'000;
  fetch.topics = {
      {"t",
       {},
       {{PartitionId(0), LeaderEpoch(-1), Offset(0), LeaderEpoch(-1), Offset(-1), 100'000}}}};
  const auto response = ask<FetchResponse>(ApiKey::kFetch, 11, fetch);
  const auto batch = record::BatchView::parse(*response.topics.at(0).partitions.at(0).records);
  ASSERT_TRUE(batch) << batch.error().text;
  EXPECT_EQ(batch->header().codec(), record::Codec::kZstd);
  EXPECT_TRUE(batch->crc_matches());
  EXPECT_LT(batch->bytes().size(), plain.size());
  auto reader = record::RecordReader::open(*batch);
  ASSERT_TRUE(reader);
  record::RecordView record;
  ASSERT_TRUE(reader->next(record).value_or(false));
  EXPECT_EQ(record.value, std::string(1000, 'v'));
}

}  // namespace
}  // namespace penstock::testing
