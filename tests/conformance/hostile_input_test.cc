#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "framework/base/varint.h"
#include "framework/protocol/api.h"
#include "framework/protocol/messages/api_versions.h"
#include "framework/protocol/messages/create_topics.h"
#include "framework/protocol/messages/delete_topics.h"
#include "framework/protocol/messages/fetch.h"
#include "framework/protocol/messages/list_offsets.h"
#include "framework/protocol/messages/metadata.h"
#include "framework/protocol/messages/produce.h"
#include "framework/record/batch.h"
#include "raw_client.h"
#include "tests/support/broker_process.h"

// One test for each rule of docs/hostile-input.md that a running broker keeps.
namespace penstock::testing {
namespace {

using namespace protocol;
using Bytes = std::vector<std::byte>;

constexpr std::int32_t kFrameMax = 8'000'000;
constexpr long kMb = 1024;  // in kB

class HostileInput : public ::testing::Test {
 protected:
  TempDirectory directory_;
  BrokerProcess broker_{directory_.path() + "/data",
                        {"socket.request.max.bytes=" + std::to_string(kFrameMax)}};
  const long before_kb_ = peak_kb();

  void TearDown() override {  // whatever was sent, the broker lives and answers
    RawClient client(broker_.port());
    client.send(ApiKey::kApiVersions, 0, 1, ApiVersionsRequest());
    EXPECT_FALSE(client.receive_as<ApiVersionsResponse>(ApiKey::kApiVersions, 0, 1).apis.empty());
  }
  [[nodiscard]] long peak_kb() const {
    std::ifstream status("/proc/" + std::to_string(broker_.pid()) + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("VmHWM:")) return std::stol(line.substr(6));
    }
    return -1;
  }
  /// 0 where the broker is instrumented: what the sanitizer takes says nothing of the broker.
  [[nodiscard]] long growth_kb() const { return kInstrumented ? 0 : peak_kb() - before_kb_; }
  /// Whether a body gets the connection closed without an answer.
  bool is_refused(ApiKey api, std::int16_t version, const Bytes& body) const {
    RawClient client(broker_.port());
    Bytes frame;
    write_request_header(frame, {api, version, 1, "x", 0});
    frame.insert(frame.end(), body.begin(), body.end());
    client.send_frame(frame);
    return !client.receive();
  }
  static void put(Bytes& to, std::uint64_t value) {
    std::byte buffer[kVarintBytesMax];
    to.insert(to.end(), buffer, put_uvarint(buffer, value));
  }
  template <class Response, class Request>
  Response ask(ApiKey api, std::int16_t version, const Request& request) {
    RawClient client(broker_.port());
    client.send(api, version, 1, request);
    return client.receive_as<Response>(api, version, 1);
  }
  ErrorCode create(std::string_view name) {
    CreateTopicsRequest request;
    request.topics = {{name, 1, 1, {}, {}}};
    return ask<CreateTopicsResponse>(ApiKey::kCreateTopics, 7, request).topics.at(0).error;
  }
};

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
