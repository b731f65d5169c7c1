#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>

#include "framework/protocol/messages/alter_partition_reassignments.h"
#include "framework/protocol/messages/client_quotas.h"
#include "framework/protocol/messages/create_topics.h"
#include "framework/protocol/messages/delete_topics.h"
#include "framework/protocol/messages/describe_configs.h"
#include "framework/protocol/messages/elect_leaders.h"
#include "framework/protocol/messages/fetch.h"
#include "framework/protocol/messages/list_offsets.h"
#include "framework/protocol/messages/metadata.h"
#include "framework/protocol/messages/offset_fetch.h"
#include "framework/protocol/messages/produce.h"
#include "framework/record/batch.h"
#include "hostile_input.h"

namespace penstock::testing {
namespace {

using namespace protocol;

TEST_F(HostileInput, AnArrayLongerThanTheFrameIsRefusedBeforeItIsAllocated) {
  for (const std::uint32_t count : {0x7FFFFFFFU, 0x10000000U, 100'000U}) {
    Bytes classic(4);
    store_be(classic.data(), static_cast<std::int32_t>(count));
    EXPECT_TRUE(is_refused(ApiKey::kMetadata, 1, classic)) << count;
    Bytes compact;
    put(compact, std::uint64_t{count} + 1);
    EXPECT_TRUE(is_refused(ApiKey::kMetadata, 9, compact)) << count;
    EXPECT_TRUE(is_refused(ApiKey::kCreateTopics, 5, compact)) << count;
  }
  EXPECT_LT(growth_kb(), 8 * kMb);
}
TEST_F(HostileInput, ManySmallItemsAreBoundedByTheBudgetOfTheirFrame) {
  // One byte on the wire each, some hundred in memory: beyond 16 times the frame it is refused.
  constexpr std::size_t kItems = 4'000'000;
  Bytes body;
  put(body, kItems + 1);
  body.resize(body.size() + kItems + 100, std::byte{1});
  EXPECT_TRUE(is_refused(ApiKey::kCreateTopics, 5, body));
  EXPECT_TRUE(is_refused(ApiKey::kDeleteTopics, 6, body));
  EXPECT_LT(growth_kb(), 160 * kMb);
}
TEST_F(HostileInput, ARequestAboutMillionsOfPartitionsIsRefusedBeforeItIsAnswered) {
  // OffsetFetch v5: 4 bytes on the wire, 20 in the answer, a hundred or more in between.
  OffsetFetchRequest request;
  request.group_id = "g";
  request.topics.emplace().resize(1);
  request.topics->front().name = "t";
  request.topics->front().partitions.resize(1'900'000);
  Bytes body;
  encode(request, body, 5, false);
  EXPECT_TRUE(is_refused(ApiKey::kOffsetFetch, 5, body));
  EXPECT_LT(growth_kb(), 32 * kMb);
  request.topics->front().partitions.resize(240'000);
  EXPECT_EQ(
      ask<OffsetFetchResponse>(ApiKey::kOffsetFetch, 5, request).topics.at(0).partitions.size(),
      240'000U);
  EXPECT_LT(growth_kb(), 128 * kMb);
}
TEST_F(HostileInput, AnUnknownNameIsNotRepeatedInEachOfManyErrors) {
  const std::string name(32'767, 'x');
  ElectLeadersRequest elect;
  elect.topics.emplace().resize(1);
  elect.topics->front().name = name;
  elect.topics->front().partitions.resize(20'000);
  EXPECT_EQ(
      ask<ElectLeadersResponse>(ApiKey::kElectLeaders, 2, elect).topics.at(0).partitions.size(),
      20'000U);
  AlterPartitionReassignmentsRequest move;
  move.topics.resize(1);
  move.topics.front().name = name;
  move.topics.front().partitions.resize(20'000);
  EXPECT_EQ(ask<AlterPartitionReassignmentsResponse>(ApiKey::kAlterPartitionReassignments, 0, move)
                .topics.at(0)
                .partitions.size(),
            20'000U);
  EXPECT_LT(growth_kb(), 64 * kMb);
}
TEST_F(HostileInput, WhatIsAskedForTooOftenIsNotDescribedAsOften) {
  ASSERT_EQ(create("t"), ErrorCode::kNone);
  DescribeConfigsRequest request;
  request.include_documentation = true;
  request.resources.resize(50'000, {2, "t", std::nullopt});
  const auto results = ask<DescribeConfigsResponse>(ApiKey::kDescribeConfigs, 4, request).results;
  ASSERT_EQ(results.size(), 101U);
  EXPECT_GT(results.front().configs.size(), 10U);
  EXPECT_LT(growth_kb(), 64 * kMb);
}
TEST_F(HostileInput, ManyTagsAreRefusedInHeaderAndBody) {
  constexpr std::size_t kTags = 2'000'000;
  Bytes tags;
  put(tags, kTags);
  for (std::size_t i = 0; i < kTags; ++i) {
    put(tags, i);
    put(tags, 0);
    if (tags.size() > 7'000'000) break;
  }
  RawClient client(broker_.port());
  Bytes frame(8);
  store_be(frame.data(), static_cast<std::int16_t>(ApiKey::kApiVersions));
  store_be(frame.data() + 2, std::int16_t{3});
  frame.push_back(std::byte{0});  // client id: null
  frame.push_back(std::byte{0});
  store_be(frame.data() + 8, std::int16_t{-1});
  frame.insert(frame.end(), tags.begin(), tags.end());
  client.send_frame(frame);
  EXPECT_FALSE(client.receive());
  EXPECT_TRUE(is_refused(ApiKey::kApiVersions, 3, tags));
  EXPECT_LT(growth_kb(), 48 * kMb);
}
TEST_F(HostileInput, ABombInEachCodecIsRefusedAtTheCap) {
  ASSERT_EQ(create("t"), ErrorCode::kNone);
  const std::string zeros(std::size_t{160} << 20, '\0');
  for (const record::Codec codec :
       {record::Codec::kGzip, record::Codec::kZstd, record::Codec::kLz4, record::Codec::kSnappy}) {
    record::BatchBuilder::Options options;
    options.codec = codec;
    record::BatchBuilder builder(options);
    builder.add(1'700'000'000'000, "key", zeros);
    const auto bomb = builder.finish();
    if (bomb.size() > 900'000) continue;  // this codec cannot hide so much in so little
    ProduceRequest request;
    request.acks = -1;
    request.timeout_ms = 1000;
    request.topics = {{"t", {}, {{PartitionId(0), bomb}}}};
    const auto answer = ask<ProduceResponse>(ApiKey::kProduce, 9, request);
    EXPECT_NE(answer.topics.at(0).partitions.at(0).error, ErrorCode::kNone)
        << static_cast<int>(codec);
  }
  EXPECT_LT(growth_kb(), 300 * kMb) << "the cap is 128 MiB a batch, one at a time";
}
TEST_F(HostileInput, ManyBombsInOneRequestAreNotAllOpened) {
  ASSERT_EQ(create("t"), ErrorCode::kNone);
  const std::string zeros(std::size_t{100} << 20, '\0');
  record::BatchBuilder::Options options;
  options.codec = record::Codec::kZstd;
  record::BatchBuilder builder(options);
  builder.add(1'700'000'000'000, "key", zeros);
  const auto bomb = builder.finish();
  ProduceRequest request;
  request.acks = -1;
  request.timeout_ms = 1000;
  request.topics = {{"t", {}, {}}};
  while ((request.topics.front().partitions.size() + 1) * bomb.size() < 4'000'000)
    request.topics.front().partitions.push_back({PartitionId(0), bomb});
  const auto answer = ask<ProduceResponse>(ApiKey::kProduce, 9, request);
  const auto& partitions = answer.topics.at(0).partitions;
  EXPECT_GT(partitions.size(), 100U);
  EXPECT_EQ(partitions.front().error, ErrorCode::kNone);
  EXPECT_EQ(std::count_if(partitions.begin(), partitions.end(),
                          [](const auto& p) { return p.error != ErrorCode::kMessageTooLarge; }),
            1);
  EXPECT_LT(growth_kb(), 300 * kMb);
}
TEST_F(HostileInput, ThousandsOfQuotasAreOneChange) {
  constexpr int kEntries = 10'000;
  AlterClientQuotasRequest request;
  for (int i = 0; i < kEntries; ++i)
    request.entries.push_back({{{"client-id", "c" + std::to_string(i)}},
                               {{"producer_byte_rate", 1'000'000.0 + i, false}}});
  // Again and again: what is set already must not cost each entry a walk.
  const auto began = std::chrono::steady_clock::now();
  for (int round = 0; round < 3; ++round) {
    const auto set = ask<AlterClientQuotasResponse>(ApiKey::kAlterClientQuotas, 1, request).entries;
    EXPECT_EQ(set.size(), request.entries.size());
    EXPECT_TRUE(std::all_of(set.begin(), set.end(),
                            [](const auto& e) { return e.error == ErrorCode::kNone; }));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(20) * kTimeScale);
  request.entries.push_back({{{"client-id", "x"}}, {{"producer_byte_rate", 1, false}}});
  EXPECT_EQ(
      ask<AlterClientQuotasResponse>(ApiKey::kAlterClientQuotas, 1, request).entries.at(0).error,
      ErrorCode::kPolicyViolation);
  restart();
  DescribeClientQuotasRequest describe;
  describe.components = {{"client-id", DescribeClientQuotasRequest::kSpecified, std::nullopt}};
  EXPECT_EQ(
      ask<DescribeClientQuotasResponse>(ApiKey::kDescribeClientQuotas, 1, describe).entries->size(),
      static_cast<std::size_t>(kEntries));
}
TEST_F(HostileInput, EmptyDuplicateAndUnknownArraysAreAnswered) {
  EXPECT_TRUE(
      ask<CreateTopicsResponse>(ApiKey::kCreateTopics, 7, CreateTopicsRequest()).topics.empty());
  EXPECT_TRUE(ask<FetchResponse>(ApiKey::kFetch, 12, FetchRequest()).topics.empty());
  ProduceRequest produce;
  produce.acks = -1;
  produce.topics = {{"none", {}, {}}, {"none", {}, {}}};
  // Topics without partitions are left out, as in Kafka.
  EXPECT_TRUE(ask<ProduceResponse>(ApiKey::kProduce, 9, produce).topics.empty());
  MetadataRequest metadata;
  metadata.topics.emplace();
  metadata.allow_auto_topic_creation = false;
  for (int i = 0; i < 3; ++i) metadata.topics->push_back({Uuid(), "none"});
  EXPECT_FALSE(ask<MetadataResponse>(ApiKey::kMetadata, 12, metadata).topics.empty());
}
TEST_F(HostileInput, AClientThatPosesAsAReplicaChangesNothing) {
  ASSERT_EQ(create("t"), ErrorCode::kNone);
  record::BatchBuilder builder;
  builder.add(1'700'000'000'000, "key", "value");
  const auto batch = builder.finish();
  ProduceRequest produce;
  produce.acks = -1;
  produce.timeout_ms = 1000;
  produce.topics = {{"t", {}, {{PartitionId(0), batch}}}};
  ASSERT_EQ(ask<ProduceResponse>(ApiKey::kProduce, 9, produce).topics.at(0).partitions.at(0).error,
            ErrorCode::kNone);
  FetchRequest fetch;
  fetch.replica = BrokerId(1);
  fetch.bytes_max = 1000;
  fetch.topics = {
      {"t", {}, {{PartitionId(0), LeaderEpoch(-1), Offset(0), LeaderEpoch(7), Offset(0), 1000}}}};
  RawClient replica(broker_.port());
  replica.send(ApiKey::kFetch, 12, 1, fetch);
  static_cast<void>(replica.receive());
  fetch.replica = BrokerId(-1);
  const auto after = ask<FetchResponse>(ApiKey::kFetch, 11, fetch);
  EXPECT_EQ(after.topics.at(0).partitions.at(0).records->size(), batch.size());
  EXPECT_EQ(after.topics.at(0).partitions.at(0).high_watermark, Offset(1));
}
TEST_F(HostileInput, TopicNamesAreNeverPaths) {
  for (const std::string_view name :
       {std::string_view(""), std::string_view("."), std::string_view(".."),
        std::string_view("../t"), std::string_view("a/b"), std::string_view("a\0b", 3),
        std::string_view("a b"), std::string_view("\xC3\xA9")}) {
    EXPECT_EQ(create(name), ErrorCode::kInvalidTopic) << name;
  }
  EXPECT_EQ(create(std::string(250, 'x')), ErrorCode::kInvalidTopic);
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path()))
    EXPECT_EQ(entry.path().filename(), "data") << "nothing lies beside the data directory";
}
TEST_F(HostileInput, AHalfSentRequestDoesNotHoldUpOthers) {
  RawClient slow(broker_.port());
  slow.send_raw(as_bytes(std::string_view("\x00\x70\x00\x00\x00\x12", 6)));
  EXPECT_EQ(create("t"), ErrorCode::kNone);
}

}  // namespace
}  // namespace penstock::testing
