#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "framework/protocol/api.h"
#include "framework/protocol/messages/delete_topics.h"
#include "framework/protocol/messages/fetch.h"
#include "framework/protocol/messages/list_offsets.h"
#include "framework/protocol/messages/metadata.h"
#include "framework/protocol/messages/produce.h"
#include "framework/record/batch.h"
#include "raw_client.h"
#include "tests/support/broker_process.h"

namespace penstock::testing {
namespace {

using namespace protocol;

/// Metadata, ListOffsets and Fetch as a client of Kafka 4.3 says them: topics by id.
class ReadPath : public ::testing::Test {
 protected:
  TempDirectory directory_;
  BrokerProcess broker_{directory_.path() + "/data", {"num.partitions=2"}};
  RawClient client_{broker_.port()};

  MetadataResponse metadata(std::int16_t version, std::vector<MetadataRequest::Topic> topics) {
    MetadataRequest request;
    request.topics = std::move(topics);
    client_.send(ApiKey::kMetadata, version, 1, request);
    return client_.receive_as<MetadataResponse>(ApiKey::kMetadata, version, 1);
  }
  Uuid create(const char* name) { return metadata(12, {{Uuid(), name}}).topics.at(0).id; }

  FetchResponse fetch(std::int16_t version, const FetchRequest& request) {
    client_.send(ApiKey::kFetch, version, 2, request);
    return client_.receive_as<FetchResponse>(ApiKey::kFetch, version, 2);
  }
  static FetchRequest asking(Uuid id, std::int32_t partition = 0, std::int64_t offset = 0) {
    FetchRequest request;
    request.bytes_min = 1;
    FetchRequest::Partition asked;
    asked.index = PartitionId(partition);
    asked.offset = Offset(offset);
    asked.bytes_max = 1 << 20;
    request.topics.push_back({"", id, {asked}});
    return request;
  }
  ListOffsetsResponse::Partition offset_of(std::int16_t version, std::int64_t timestamp_ms) {
    ListOffsetsRequest request;
    request.topics = {{"t", {{PartitionId(0), LeaderEpoch(-1), timestamp_ms}}}};
    client_.send(ApiKey::kListOffsets, version, 3, request);
    return client_.receive_as<ListOffsetsResponse>(ApiKey::kListOffsets, version, 3)
        .topics.at(0)
        .partitions.at(0);
  }
  void produce(const char* topic, std::int32_t partition = 0) {
    record::BatchBuilder builder;
    builder.add(1'700'000'000'000, "key", "value");
    const std::vector<std::byte> batch = builder.finish();
    ProduceRequest request;
    request.acks = -1;
    request.timeout_ms = 1000;
    request.topics = {{topic, {{PartitionId(partition), ByteView(batch)}}}};
    client_.send(ApiKey::kProduce, 9, 4, request);
    ASSERT_EQ(client_.receive_as<ProduceResponse>(ApiKey::kProduce, 9, 4)
                  .topics.at(0)
                  .partitions.at(0)
                  .error,
              ErrorCode::kNone);
  }
};

TEST_F(ReadPath, MetadataByIdIsUnderstoodFromVersion12On) {
  const Uuid id = create("t");
  const auto old = metadata(11, {{id, std::nullopt}});
  EXPECT_EQ(old.topics.at(0).error, ErrorCode::kInvalidRequest);
  EXPECT_TRUE(old.brokers.empty());
  const auto found = metadata(12, {{id, std::nullopt}});
  EXPECT_EQ(found.topics.at(0).error, ErrorCode::kNone);
  EXPECT_EQ(found.topics.at(0).name, "t");
  const auto unknown = metadata(13, {{Uuid{7, 7}, std::nullopt}});
  EXPECT_EQ(unknown.error, ErrorCode::kNone);
  EXPECT_EQ(unknown.topics.at(0).error, ErrorCode::kUnknownTopicId);
  EXPECT_EQ(unknown.topics.at(0).name, std::nullopt);
}
TEST_F(ReadPath, OneIdMakesMetadataPassOverNames) {
  const Uuid id = create("t");
  const auto found = metadata(13, {{id, std::nullopt}, {Uuid(), "other"}, {id, "t"}});
  ASSERT_EQ(found.topics.size(), 1U);
  EXPECT_EQ(found.topics.at(0).name, "t");
}
TEST_F(ReadPath, MetadataOfNeitherNameNorIdFailsAsAWhole) {
  const auto answer = metadata(13, {{Uuid(), std::nullopt}});
  EXPECT_EQ(answer.error, ErrorCode::kUnknownServerError);
}
TEST_F(ReadPath, ListOffsetsKnowsEachSpecialTimestampFromItsVersionOn) {
  create("t");
  produce("t");
  EXPECT_EQ(offset_of(7, -4).error, ErrorCode::kUnsupportedVersion);
  EXPECT_EQ(offset_of(8, -4).offset, Offset(0));
  EXPECT_EQ(offset_of(8, -5).error, ErrorCode::kUnsupportedVersion);
  EXPECT_EQ(offset_of(10, -6).error, ErrorCode::kUnsupportedVersion);
  for (const std::int64_t tiered : {-5, -6}) {
    EXPECT_EQ(offset_of(11, tiered).error, ErrorCode::kNone);
    EXPECT_EQ(offset_of(11, tiered).offset, Offset::kNone);
  }
  EXPECT_EQ(offset_of(11, -7).error, ErrorCode::kUnsupportedVersion);
  EXPECT_EQ(offset_of(11, -1).offset, Offset(1));
}
TEST_F(ReadPath, FetchByIdInEveryVersion) {
  const Uuid id = create("t");
  produce("t");
  for (std::int16_t version = 13; version <= 18; ++version) {
    const auto answer = fetch(version, asking(id));
    ASSERT_EQ(answer.topics.size(), 1U);
    EXPECT_EQ(answer.topics[0].id, id);
    EXPECT_EQ(answer.topics[0].partitions.at(0).error, ErrorCode::kNone);
    EXPECT_EQ(answer.topics[0].partitions.at(0).high_watermark, Offset(1));
    EXPECT_FALSE(answer.topics[0].partitions.at(0).records->empty());
  }
}
TEST_F(ReadPath, FetchOfAnUnknownIdOrPartitionSaysWhich) {
  const Uuid id = create("t");
  EXPECT_EQ(fetch(17, asking(Uuid{7, 7})).topics.at(0).partitions.at(0).error,
            ErrorCode::kUnknownTopicId);
  EXPECT_EQ(fetch(17, asking(Uuid())).topics.at(0).partitions.at(0).error,
            ErrorCode::kUnknownTopicId);
  EXPECT_EQ(fetch(17, asking(id, 9)).topics.at(0).partitions.at(0).error,
            ErrorCode::kUnknownTopicOrPartition);
}
TEST_F(ReadPath, AFencedFetchIsToldTheLeader) {
  const Uuid id = create("t");
  FetchRequest request = asking(id);
  request.replica_state.id = BrokerId(7);  // followers are not served
  const auto answer = fetch(16, request);
  EXPECT_EQ(answer.topics.at(0).partitions.at(0).error, ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(answer.topics.at(0).partitions.at(0).leader.id, BrokerId(1));
  ASSERT_EQ(answer.endpoints.size(), 1U);
  EXPECT_EQ(answer.endpoints[0].port, broker_.port());
}

}  // namespace
}  // namespace penstock::testing
