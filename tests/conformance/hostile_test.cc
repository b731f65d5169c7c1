#include <gtest/gtest.h>

#include <random>
#include <string>

#include "framework/protocol/api.h"
#include "framework/protocol/messages/api_versions.h"
#include "framework/protocol/messages/fetch.h"
#include "framework/protocol/messages/metadata.h"
#include "framework/protocol/messages/produce.h"
#include "framework/record/batch.h"
#include "raw_client.h"
#include "tests/support/broker_process.h"

namespace penstock::testing {
namespace {

using namespace protocol;

class Hostile : public ::testing::Test {
 protected:
  TempDirectory directory_;
  BrokerProcess broker_{directory_.path() + "/data",
                        {"socket.request.max.bytes=1000000", "num.partitions=2"}};

  void TearDown() override {  // whatever was sent, the broker lives and answers
    RawClient client(broker_.port());
    client.send(ApiKey::kApiVersions, 0, 1, ApiVersionsRequest());
    EXPECT_FALSE(client.receive_as<ApiVersionsResponse>(ApiKey::kApiVersions, 0, 1).apis.empty());
  }

  void create_topic(const char* name) {
    RawClient client(broker_.port());
    MetadataRequest request;
    request.topics.emplace().push_back({Uuid(), name});
    client.send(ApiKey::kMetadata, 9, 1, request);
    ASSERT_EQ(client.receive_as<MetadataResponse>(ApiKey::kMetadata, 9, 1).topics.at(0).error,
              ErrorCode::kNone);
  }
  ProduceResponse::Partition produce(std::int16_t version, ByteView records, std::int16_t acks = -1,
                                     std::int32_t partition = 0, const char* topic = "t") {
    RawClient client(broker_.port());
    ProduceRequest request;
    request.acks = acks;
    request.timeout_ms = 1000;
    request.topics = {{topic, {}, {{PartitionId(partition), records}}}};
    client.send(ApiKey::kProduce, version, 7, request);
    return client.receive_as<ProduceResponse>(ApiKey::kProduce, version, 7)
        .topics.at(0)
        .partitions.at(0);
  }
  static std::vector<std::byte> batch(record::BatchBuilder::Options options = {}, int count = 1) {
    record::BatchBuilder builder(options);
    for (int i = 0; i < count; ++i) builder.add(1'700'000'000'000, "key", "value");
    return builder.finish();
  }
};

TEST_F(Hostile, ANegativeFrameLengthClosesTheConnection) {
  RawClient client(broker_.port());
  client.send_raw(as_bytes(std::string_view("\xFF\xFF\xFF\xFF", 4)));
  EXPECT_FALSE(client.receive());
}
TEST_F(Hostile, AFrameOverTheLimitClosesTheConnection) {
  RawClient client(broker_.port());
  client.send_raw(as_bytes(std::string_view("\x7F\x00\x00\x00", 4)));
  EXPECT_FALSE(client.receive());
}
TEST_F(Hostile, AnUnknownApiClosesTheConnection) {
  RawClient client(broker_.port());
  client.send_frame(as_bytes(std::string_view("\x03\xE7\x00\x00\x00\x00\x00\x01\xFF\xFF", 10)));
  EXPECT_FALSE(client.receive());
}
TEST_F(Hostile, RandomBodiesOfEveryApiDoNoHarm) {
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    RawClient client(broker_.port());
    std::vector<std::byte> body(10 + random() % 60);
    for (std::byte& b : body) b = static_cast<std::byte>(random() % (round % 2 == 0 ? 256 : 4));
    store_be(body.data(), static_cast<std::int16_t>(random() % 24));
    store_be(body.data() + 2, static_cast<std::int16_t>(random() % 13));
    store_be(body.data() + 8, std::int16_t{-1});
    client.send_frame(body);
  }
}
TEST_F(Hostile, AnUnknownVersionOfApiVersionsIsAnsweredInVersionZero) {
  RawClient client(broker_.port());
  client.send(ApiKey::kApiVersions, 99, 5, ApiVersionsRequest());
  const auto response = client.receive_as<ApiVersionsResponse>(ApiKey::kApiVersions, 0, 5);
  EXPECT_EQ(response.error, ErrorCode::kUnsupportedVersion);
  ASSERT_EQ(response.apis.size(), 1u);
  EXPECT_EQ(response.apis[0].key, static_cast<std::int16_t>(ApiKey::kApiVersions));
  EXPECT_EQ(response.apis[0].low, 0);
  EXPECT_EQ(response.apis[0].high, 4);
}
TEST_F(Hostile, ProduceIsAdvertisedFromZeroAndRefusedBelowThree) {
  RawClient client(broker_.port());
  client.send(ApiKey::kApiVersions, 0, 1, ApiVersionsRequest());
  const auto response = client.receive_as<ApiVersionsResponse>(ApiKey::kApiVersions, 0, 1);
  EXPECT_EQ(response.apis.at(0).key, 0);
  EXPECT_EQ(response.apis.at(0).low, 0);
  create_topic("t");
  EXPECT_EQ(produce(2, batch()).error, ErrorCode::kUnsupportedVersion);
}
TEST_F(Hostile, ClientsThatCreateATopicAtTheSameTimeGetItOrAskAgain) {
  RawClient one(broker_.port());
  RawClient two(broker_.port());
  for (int round = 0; round < 20; ++round) {
    const std::string name = "topic-" + std::to_string(round);
    MetadataRequest request;
    request.topics.emplace().push_back({Uuid(), name});
    one.send(ApiKey::kMetadata, 9, round, request);
    two.send(ApiKey::kMetadata, 9, round, request);
    for (RawClient* client : {&one, &two}) {
      const auto error =
          client->receive_as<MetadataResponse>(ApiKey::kMetadata, 9, round).topics.at(0).error;
      EXPECT_TRUE(error == ErrorCode::kNone || error == ErrorCode::kLeaderNotAvailable)
          << to_string(error);
    }
  }
}
TEST_F(Hostile, AnswersComeInTheOrderOfTheRequests) {
  create_topic("t");
  RawClient client(broker_.port());
  FetchRequest wait;
  wait.wait_ms_max = 200;
  wait.bytes_min = 1;
  wait.topics = {
      {"t", {}, {{PartitionId(0), LeaderEpoch(-1), Offset(0), LeaderEpoch(-1), Offset(-1), 1000}}}};
  client.send(ApiKey::kFetch, 11, 1, wait);
  client.send(ApiKey::kApiVersions, 0, 2, ApiVersionsRequest());
  EXPECT_EQ(load_be<std::int32_t>(client.receive()->data()), 1);
  EXPECT_EQ(load_be<std::int32_t>(client.receive()->data()), 2);
}
TEST_F(Hostile, EachBadBatchIsRefusedForItsOwnReason) {
  create_topic("t");
  const auto good = batch();
  EXPECT_EQ(produce(9, good).error, ErrorCode::kNone);
  auto bad = good;
  bad.back() ^= std::byte{1};
  EXPECT_EQ(produce(9, bad).error, ErrorCode::kCorruptMessage);
  bad = good;
  bad[16] = std::byte{1};
  EXPECT_EQ(produce(9, bad).error, ErrorCode::kInvalidRecord);
  EXPECT_EQ(produce(9, ByteView(good).first(good.size() - 1)).error, ErrorCode::kInvalidRecord);
  EXPECT_EQ(produce(9, ByteView()).error, ErrorCode::kInvalidRecord);
  auto two = good;
  two.insert(two.end(), good.begin(), good.end());
  EXPECT_EQ(produce(9, two).error, ErrorCode::kInvalidRecord);
  record::BatchBuilder::Options options;
  options.control = true;
  EXPECT_EQ(produce(9, batch(options)).error, ErrorCode::kInvalidRecord);
  options = {};
  options.transactional = true;
  options.producer_id = ProducerId(1);
  options.producer_epoch = ProducerEpoch(0);
  options.base_sequence = 0;
  EXPECT_NE(produce(9, batch(options)).error, ErrorCode::kNone);
  options = {};
  options.codec = record::Codec::kZstd;
  EXPECT_EQ(produce(6, batch(options)).error, ErrorCode::kUnsupportedCompressionType);
  EXPECT_EQ(produce(9, good, 2).error, ErrorCode::kInvalidRequiredAcks);
  EXPECT_EQ(produce(9, good, -1, 2).error, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(produce(9, good, -1, 0, "other").error, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(produce(9, good, -1, 0, "no good").error, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(produce(9, good).base_offset, Offset(1)) << "nothing of the above was appended";
}
TEST_F(Hostile, AProduceRequestOfEmptyPartitionsIsNotWorthItsMemory) {
  create_topic("t");
  ProduceRequest request;
  request.acks = -1;
  request.topics = {{"t", {}, std::vector<ProduceRequest::Partition>(110'000)}};
  RawClient client(broker_.port());
  client.send(ApiKey::kProduce, 7, 1, request);
  EXPECT_FALSE(client.receive());
}
TEST_F(Hostile, AProduceRequestMayHoldManySmallBatches) {
  create_topic("t");
  const auto records = batch();
  ProduceRequest request;
  request.acks = -1;
  request.timeout_ms = 1000;
  request.topics = {
      {"t", {}, std::vector<ProduceRequest::Partition>(10'000, {PartitionId(1), records})}};
  RawClient client(broker_.port());
  client.send(ApiKey::kProduce, 7, 1, request);
  const auto response = client.receive_as<ProduceResponse>(ApiKey::kProduce, 7, 1);
  ASSERT_EQ(response.topics.at(0).partitions.size(), 10'000U);
  EXPECT_EQ(response.topics.at(0).partitions.back().base_offset, Offset(9'999));
}
TEST_F(Hostile, AnIdempotentProducersSequencesAreKept) {
  create_topic("t");
  record::BatchBuilder::Options options;
  options.producer_id = ProducerId(4000);
  options.producer_epoch = ProducerEpoch(1);
  options.base_sequence = 0;
  EXPECT_EQ(produce(9, batch(options, 2)).base_offset, Offset(0));
  options.base_sequence = 2;
  EXPECT_EQ(produce(9, batch(options, 2)).base_offset, Offset(2));
  EXPECT_EQ(produce(9, batch(options, 2)).base_offset, Offset(2))
      << "a duplicate is answered as the first time";
  options.base_sequence = 9;
  EXPECT_EQ(produce(9, batch(options)).error, ErrorCode::kOutOfOrderSequenceNumber);
  options.producer_epoch = ProducerEpoch(0);
  EXPECT_EQ(produce(9, batch(options)).error, ErrorCode::kInvalidProducerEpoch);
}
TEST_F(Hostile, AFetchBeyondTheEndIsOutOfRange) {
  create_topic("t");
  RawClient client(broker_.port());
  FetchRequest request;
  request.topics = {
      {"t",
       {},
       {{PartitionId(0), LeaderEpoch(-1), Offset(5), LeaderEpoch(-1), Offset(-1), 1000},
        {PartitionId(1), LeaderEpoch(9), Offset(0), LeaderEpoch(-1), Offset(-1), 1000}}}};
  client.send(ApiKey::kFetch, 12, 3, request);
  const auto response = client.receive_as<FetchResponse>(ApiKey::kFetch, 12, 3);
  EXPECT_EQ(response.topics.at(0).partitions.at(0).error, ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(response.topics.at(0).partitions.at(1).error, ErrorCode::kUnknownLeaderEpoch);
}
TEST_F(Hostile, ALongPollOverSeveralPartitionsEndsWithTheFirstRecord) {
  create_topic("t");
  RawClient client(broker_.port());
  FetchRequest request;
  request.wait_ms_max = 60'000;
  request.bytes_min = 1;
  request.topics = {
      {"t",
       {},
       {{PartitionId(0), LeaderEpoch(-1), Offset(0), LeaderEpoch(-1), Offset(-1), 1000},
        {PartitionId(1), LeaderEpoch(-1), Offset(0), LeaderEpoch(-1), Offset(-1), 1000}}}};
  client.send(ApiKey::kFetch, 12, 3, request);
  EXPECT_EQ(produce(9, batch(), -1, 1).error, ErrorCode::kNone);
  const auto response = client.receive_as<FetchResponse>(ApiKey::kFetch, 12, 3);
  EXPECT_TRUE(response.topics.at(0).partitions.at(0).records->empty());
  EXPECT_EQ(response.topics.at(0).partitions.at(1).records->size(), batch().size());
}
TEST_F(Hostile, TheFirstBatchIsGivenWholeHoweverSmallTheLimit) {
  create_topic("t");
  ASSERT_EQ(produce(9, batch({}, 100)).error, ErrorCode::kNone);
  RawClient client(broker_.port());
  FetchRequest request;
  request.bytes_max = 1;
  request.topics = {
      {"t", {}, {{PartitionId(0), LeaderEpoch(-1), Offset(50), LeaderEpoch(-1), Offset(-1), 1}}}};
  client.send(ApiKey::kFetch, 4, 3, request);
  const auto response = client.receive_as<FetchResponse>(ApiKey::kFetch, 4, 3);
  EXPECT_EQ(response.topics.at(0).partitions.at(0).records->size(), batch({}, 100).size());
}
TEST_F(Hostile, AcksZeroGetsNoAnswerAndAFailureClosesTheConnection) {
  create_topic("t");
  const auto records = batch();
  RawClient client(broker_.port());
  ProduceRequest request;
  request.topics = {{"t", {}, {{PartitionId(0), records}}}};
  client.send(ApiKey::kProduce, 9, 7, request);
  client.send(ApiKey::kApiVersions, 0, 8, ApiVersionsRequest());
  EXPECT_EQ(load_be<std::int32_t>(client.receive()->data()), 8);
  request.topics.at(0).name = "other";
  client.send(ApiKey::kProduce, 9, 9, request);
  EXPECT_FALSE(client.receive());
}

}  // namespace
}  // namespace penstock::testing
