#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "framework/protocol/api.h"
#include "framework/protocol/messages/acls.h"
#include "framework/protocol/messages/api_versions.h"
#include "framework/protocol/messages/client_quotas.h"
#include "framework/protocol/messages/delegation_tokens.h"
#include "framework/protocol/messages/delete_topics.h"
#include "framework/protocol/messages/describe_user_scram_credentials.h"
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
    return offset_of(client_, version, timestamp_ms);
  }
  static ListOffsetsResponse::Partition offset_of(RawClient& client, std::int16_t version,
                                                  std::int64_t timestamp_ms) {
    ListOffsetsRequest request;
    request.topics = {{"t", {{PartitionId(0), LeaderEpoch(-1), timestamp_ms}}}};
    client.send(ApiKey::kListOffsets, version, 3, request);
    return client.receive_as<ListOffsetsResponse>(ApiKey::kListOffsets, version, 3)
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
    request.topics = {{topic, {}, {{PartitionId(partition), ByteView(batch)}}}};
    client_.send(ApiKey::kProduce, 9, 4, request);
    ASSERT_EQ(client_.receive_as<ProduceResponse>(ApiKey::kProduce, 9, 4)
                  .topics.at(0)
                  .partitions.at(0)
                  .error,
              ErrorCode::kNone);
  }
};

TEST_F(ReadPath, TheEarliestOffsetHasTheEpochOfItsRecord) {
  create("t");
  produce("t");
  broker_.kill();
  // A crash of the machine begins a new epoch.
  BrokerProcess again(directory_.path() + "/data",
                      {"num.partitions=2", "log.recovery.assume.power.cut=true"});
  RawClient client(again.port());
  EXPECT_EQ(offset_of(client, 9, ListOffsetsRequest::kLatest).leader_epoch, LeaderEpoch(1));
  for (const std::int64_t which :
       {ListOffsetsRequest::kEarliest, ListOffsetsRequest::kEarliestLocal}) {
    const auto earliest = offset_of(client, 9, which);
    EXPECT_EQ(earliest.offset, Offset(0));
    EXPECT_EQ(earliest.leader_epoch, LeaderEpoch(0));
  }
}

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

/// Session requests: the first opens one, the others name what changed.
class Sessions : public ReadPath {
 protected:
  FetchResponse open(Uuid id, std::vector<std::int32_t> partitions = {0, 1},
                     std::int16_t version = 17) {
    FetchRequest request = asking(id);
    const FetchRequest::Partition first = request.topics[0].partitions[0];
    request.topics[0].partitions.clear();
    for (const std::int32_t partition : partitions) {
      request.topics[0].partitions.push_back(first);
      request.topics[0].partitions.back().index = PartitionId(partition);
    }
    request.session_epoch = 0;
    return fetch(version, request);
  }
  static FetchRequest next(std::int32_t session, std::int32_t epoch) {
    FetchRequest request;
    request.session_id = session;
    request.session_epoch = epoch;
    return request;
  }
};

TEST_F(Sessions, AnIncrementalFetchTellsOnlyNews) {
  const Uuid id = create("t");
  const auto first = open(id);
  EXPECT_NE(first.session_id, 0);
  EXPECT_EQ(first.topics.at(0).partitions.size(), 2U);
  const auto idle = fetch(17, next(first.session_id, 1));
  EXPECT_EQ(idle.session_id, first.session_id);
  EXPECT_TRUE(idle.topics.empty());
  produce("t", 1);
  const auto news = fetch(17, next(first.session_id, 2));
  ASSERT_EQ(news.topics.size(), 1U);
  ASSERT_EQ(news.topics[0].partitions.size(), 1U);
  EXPECT_EQ(news.topics[0].partitions[0].index, PartitionId(1));
  EXPECT_FALSE(news.topics[0].partitions[0].records->empty());
}
TEST_F(Sessions, ASessionGoesOnOnAnyConnection) {
  const Uuid id = create("t");
  const auto first = open(id);
  std::int32_t epoch = 1;
  for (int i = 0; i < 4; ++i) {  // connections go to the shards in turn
    RawClient other(broker_.port());
    other.send(ApiKey::kFetch, 17, 2, next(first.session_id, epoch++));
    const auto answer = other.receive_as<FetchResponse>(ApiKey::kFetch, 17, 2);
    EXPECT_EQ(answer.error, ErrorCode::kNone);
    EXPECT_EQ(answer.session_id, first.session_id);
  }
}
TEST_F(Sessions, WrongSessionsAreRefusedAsAWhole) {
  const Uuid id = create("t");
  const auto first = open(id);
  EXPECT_EQ(fetch(17, next(first.session_id + 1, 1)).error, ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(fetch(17, next(0, 1)).error, ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(fetch(17, next(-5, 1)).error, ErrorCode::kFetchSessionIdNotFound);
  const auto wrong = fetch(17, next(first.session_id, 7));
  EXPECT_EQ(wrong.error, ErrorCode::kInvalidFetchSessionEpoch);
  EXPECT_EQ(wrong.session_id, 0);
  EXPECT_EQ(fetch(12, next(first.session_id, 1)).error, ErrorCode::kFetchSessionTopicIdError);
}
TEST_F(Sessions, AFinalEpochClosesTheSession) {
  const Uuid id = create("t");
  const auto first = open(id);
  FetchRequest last = asking(id);
  last.session_id = first.session_id;
  last.session_epoch = -1;
  EXPECT_EQ(fetch(17, last).session_id, 0);
  EXPECT_EQ(fetch(17, next(first.session_id, 1)).error, ErrorCode::kFetchSessionIdNotFound);
}
TEST_F(Sessions, ForgottenPartitionsAreNotRead) {
  const Uuid id = create("t");
  const auto first = open(id);
  produce("t", 0);
  FetchRequest request = next(first.session_id, 1);
  request.forgotten.push_back({"", id, {PartitionId(0)}});
  EXPECT_TRUE(fetch(17, request).topics.empty());
  request = next(first.session_id, 2);
  request.forgotten.push_back({"", id, {PartitionId(1)}});
  EXPECT_EQ(fetch(17, request).session_id, 0) << "nothing is left";
}
TEST_F(Sessions, ALongPollOfASessionEndsWithARecord) {
  const Uuid id = create("t");
  const auto first = open(id);
  RawClient waiting(broker_.port());
  FetchRequest request = next(first.session_id, 1);
  request.wait_ms_max = 60'000;
  request.bytes_min = 1;
  waiting.send(ApiKey::kFetch, 17, 2, request);
  produce("t", 1);
  const auto answer = waiting.receive_as<FetchResponse>(ApiKey::kFetch, 17, 2);
  ASSERT_EQ(answer.topics.size(), 1U);
  EXPECT_EQ(answer.topics[0].partitions.at(0).index, PartitionId(1));
}
TEST_F(Sessions, ATopicMadeAnewIsNotTakenForTheOld) {
  const Uuid id = create("t");
  const auto by_id = open(id);
  DeleteTopicsRequest gone;
  gone.names = {"t"};
  gone.timeout_ms = 10'000;
  client_.send(ApiKey::kDeleteTopics, 5, 9, gone);
  client_.receive_as<DeleteTopicsResponse>(ApiKey::kDeleteTopics, 5, 9);
  const auto deleted = fetch(17, next(by_id.session_id, 1));
  EXPECT_EQ(deleted.topics.at(0).partitions.at(0).error, ErrorCode::kUnknownTopicOrPartition);
  ASSERT_NE(create("t"), id);
  const auto anew = fetch(17, next(by_id.session_id, 2));
  EXPECT_EQ(anew.topics.at(0).id, id);
  EXPECT_EQ(anew.topics.at(0).partitions.at(0).error, ErrorCode::kInconsistentTopicId);
}

/// Quotas as AlterClientQuotas sets them, felt by a client.
class Quotas : public ReadPath {
 protected:
  ErrorCode set(std::vector<QuotaEntityPart> entity, std::string_view key, double value) {
    AlterClientQuotasRequest request;
    request.entries.push_back({std::move(entity), {{key, value, false}}});
    RawClient client(broker_.port());
    client.send(ApiKey::kAlterClientQuotas, 1, 5, request);
    return client.receive_as<AlterClientQuotasResponse>(ApiKey::kAlterClientQuotas, 1, 5)
        .entries.at(0)
        .error;
  }
  std::int32_t produce_bytes(std::size_t size) {
    record::BatchBuilder builder;
    const std::string value(size, 'x');
    builder.add(1'700'000'000'000, "key", value);
    const std::vector<std::byte> batch = builder.finish();
    ProduceRequest request;
    request.acks = -1;
    request.timeout_ms = 1000;
    request.topics = {{"t", {}, {{PartitionId(0), ByteView(batch)}}}};
    client_.send(ApiKey::kProduce, 9, 4, request);
    return client_.receive_as<ProduceResponse>(ApiKey::kProduce, 9, 4).throttle_ms;
  }
};

TEST_F(Quotas, AProducerOverItsQuotaIsToldAndWaits) {
  create("t");
  EXPECT_EQ(set({{"client-id", "raw"}}, "producer_byte_rate", 10'000), ErrorCode::kNone);
  EXPECT_EQ(produce_bytes(50'000), 0);
  const std::int32_t wait_ms = produce_bytes(55'000);
  EXPECT_GE(wait_ms, 300);
  const auto before = std::chrono::steady_clock::now();
  metadata(12, {});  // the next request is not read for that long
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(wait_ms / 2));
}
TEST_F(Quotas, AConsumerOverItsQuotaGetsNothingForAWhile) {
  const Uuid id = create("t");
  produce_bytes(60'000);
  EXPECT_EQ(set({{"user", std::nullopt}}, "consumer_byte_rate", 11'000), ErrorCode::kNone);
  const auto first = fetch(17, asking(id));
  EXPECT_EQ(first.throttle_ms, 0);
  EXPECT_FALSE(first.topics.at(0).partitions.at(0).records->empty());
  const auto second = fetch(17, asking(id));
  EXPECT_GT(second.throttle_ms, 0);
  EXPECT_TRUE(second.topics.empty());
}
TEST_F(Quotas, ConnectionsOfAnAddressAreLimited) {
  EXPECT_EQ(set({{"ip", "127.0.0.1"}}, "connection_creation_rate", 1), ErrorCode::kNone);
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    RawClient client(broker_.port());
    client.send(ApiKey::kApiVersions, 0, 1, ApiVersionsRequest());
    if (!client.receive()) ++refused;
  }
  EXPECT_EQ(refused, 10);
}
TEST_F(Quotas, AClientThatTakesTooMuchTimeIsToldAndWaits) {
  create("t");
  EXPECT_EQ(set({{"client-id", "raw"}}, "request_percentage", 0.0001), ErrorCode::kNone);
  // A millionth of a thread: 10 us in ten seconds, which the work behind each answer takes too.
  std::int32_t wait_ms = 0;
  for (int i = 0; i < 100 && wait_ms == 0; ++i) wait_ms = produce_bytes(10'000);
  EXPECT_GT(wait_ms, 0);
  EXPECT_LE(wait_ms, 1000) << "never more than a window";
  const auto before = std::chrono::steady_clock::now();
  metadata(12, {});
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(wait_ms / 2));
  EXPECT_EQ(set({{"client-id", "raw"}}, "request_percentage", 100'000), ErrorCode::kNone);
  EXPECT_EQ(produce_bytes(10'000), 0);
}
TEST_F(Quotas, AFetchThatTakesTooMuchTimeGetsNothing) {
  const Uuid id = create("t");
  produce_bytes(60'000);
  EXPECT_EQ(set({{"user", std::nullopt}}, "request_percentage", 0.0001), ErrorCode::kNone);
  auto answer = fetch(17, asking(id));
  for (int i = 0; i < 100 && answer.throttle_ms == 0; ++i) answer = fetch(17, asking(id));
  EXPECT_GT(answer.throttle_ms, 0);
  EXPECT_TRUE(answer.topics.empty());
}
TEST_F(Quotas, WhatIsNoQuotaIsRefused) {
  EXPECT_EQ(set({{"user", "u"}}, "connection_creation_rate", 5), ErrorCode::kInvalidRequest);
  EXPECT_EQ(set({{"ip", "1.2.3.4"}}, "producer_byte_rate", 5), ErrorCode::kInvalidRequest);
  EXPECT_EQ(set({{"ip", "nowhere"}}, "connection_creation_rate", 5), ErrorCode::kInvalidRequest);
  EXPECT_EQ(set({}, "producer_byte_rate", 5), ErrorCode::kInvalidRequest);
  EXPECT_EQ(set({{"group", "g"}}, "producer_byte_rate", 5), ErrorCode::kInvalidRequest);
  EXPECT_EQ(set({{"user", "u"}}, "producer_byte_rate", 0), ErrorCode::kInvalidRequest);
}
TEST_F(Quotas, NoUserHasCredentials) {
  constexpr auto kKey = ApiKey::kDescribeUserScramCredentials;
  DescribeUserScramCredentialsRequest request;
  client_.send(kKey, 0, 6, request);
  EXPECT_TRUE(client_.receive_as<DescribeUserScramCredentialsResponse>(kKey, 0, 6).results.empty());
  request.users.emplace().push_back({"u"});
  client_.send(kKey, 0, 7, request);
  EXPECT_EQ(
      client_.receive_as<DescribeUserScramCredentialsResponse>(kKey, 0, 7).results.at(0).error,
      ErrorCode::kResourceNotFound);
}
TEST_F(Quotas, NobodyAuthorizes) {
  client_.send(ApiKey::kDescribeAcls, 3, 6, DescribeAclsRequest());
  const auto described = client_.receive_as<DescribeAclsResponse>(ApiKey::kDescribeAcls, 3, 6);
  EXPECT_EQ(described.error, ErrorCode::kSecurityDisabled);
  EXPECT_EQ(described.error_text, "No Authorizer is configured.");
  CreateAclsRequest create;
  create.creations.resize(2);
  client_.send(ApiKey::kCreateAcls, 2, 7, create);
  const auto created = client_.receive_as<CreateAclsResponse>(ApiKey::kCreateAcls, 2, 7);
  ASSERT_EQ(created.results.size(), 2U);
  EXPECT_EQ(created.results[1].error, ErrorCode::kSecurityDisabled);
  DeleteAclsRequest remove;
  remove.filters.resize(1);
  client_.send(ApiKey::kDeleteAcls, 1, 8, remove);
  EXPECT_EQ(client_.receive_as<DeleteAclsResponse>(ApiKey::kDeleteAcls, 1, 8).results.at(0).error,
            ErrorCode::kSecurityDisabled);
}
TEST_F(Quotas, NobodyGetsATokenWithoutLoggingIn) {
  const auto kRefused = ErrorCode::kDelegationTokenRequestNotAllowed;
  client_.send(ApiKey::kCreateDelegationToken, 3, 6, CreateDelegationTokenRequest());
  const auto created =
      client_.receive_as<CreateDelegationTokenResponse>(ApiKey::kCreateDelegationToken, 3, 6);
  EXPECT_EQ(created.error, kRefused);
  EXPECT_EQ(created.owner.name, "ANONYMOUS");
  client_.send(ApiKey::kDescribeDelegationToken, 2, 7, DescribeDelegationTokenRequest());
  EXPECT_EQ(
      client_.receive_as<DescribeDelegationTokenResponse>(ApiKey::kDescribeDelegationToken, 2, 7)
          .error,
      kRefused);
}
TEST_F(Quotas, OutliveTheBroker) {
  EXPECT_EQ(set({{"user", std::nullopt}, {"client-id", "c"}}, "producer_byte_rate", 1024),
            ErrorCode::kNone);
  EXPECT_EQ(set({{"client-id", std::nullopt}}, "consumer_byte_rate", 2048), ErrorCode::kNone);
  broker_.stop();
  BrokerProcess again(directory_.path() + "/data");
  RawClient client(again.port());
  const auto ask = [&](const DescribeClientQuotasRequest& request) {
    client.send(ApiKey::kDescribeClientQuotas, 1, 5, request);
    return client.receive_as<DescribeClientQuotasResponse>(ApiKey::kDescribeClientQuotas, 1, 5);
  };
  DescribeClientQuotasRequest request;
  EXPECT_EQ(ask(request).entries->size(), 2U);
  request.components = {{"client-id", DescribeClientQuotasRequest::kExact, "c"}};
  const auto loose = ask(request);
  ASSERT_EQ(loose.entries->size(), 1U);
  EXPECT_EQ(loose.entries->at(0).values.at(0).value, 1024);
  request.strict = true;
  EXPECT_TRUE(ask(request).entries->empty());
  request.components = {{"client-id", DescribeClientQuotasRequest::kDefault, std::nullopt}};
  EXPECT_EQ(ask(request).entries->size(), 1U);
}

}  // namespace
}  // namespace penstock::testing
