#include <gtest/gtest.h>

#include <string_view>

#include "framework/protocol/api.h"
#include "framework/protocol/messages/api_versions.h"
#include "framework/protocol/messages/fetch.h"
#include "framework/protocol/messages/list_offsets.h"
#include "framework/protocol/messages/metadata.h"
#include "framework/protocol/messages/produce.h"
#include "framework/protocol/request_header.h"

// Requests as kcat 1.7.1 with librdkafka 2.0.2 sent them: "key:value" to topic "golden", then
// reading it back.
namespace penstock::protocol {
namespace {

constexpr std::string_view kApiVersions3 =
    "00120003000000010006676f6c64656e000b6c696272646b61666b6106322e302e3200";
constexpr std::string_view kMetadata4 =
    "00030004000000020006676f6c64656e000000010006676f6c64656e01";
constexpr std::string_view kProduce7 =
    "00000007000000030006676f6c64656effffffff00007530000000010006676f6c64656e0000000100000000000000"
    "4c0000"
    "000000000000000000400000000002a4374517000000000000000001a20649063d000001a20649063dffffffffffff"
    "ffffff"
    "ffffffffff000000011c000000066b65790a76616c756500";
constexpr std::string_view kListOffsets2 =
    "00020002000000040006676f6c64656effffffff01000000010006676f6c64656e0000000100000000ffffffffffff"
    "fffe";
constexpr std::string_view kFetch11 =
    "0001000b000000050006676f6c64656effffffff000001f400000001032000000100000000ffffffff000000010006"
    "676f6c"
    "64656e0000000100000000ffffffff0000000000000000ffffffffffffffff00100000000000000000";

std::vector<std::byte> from_hex(std::string_view hex) {
  std::vector<std::byte> out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out.push_back(static_cast<std::byte>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return out;
}

/// Decodes the request and checks that encoding it again gives the same bytes.
template <class Request>
Request same_again(const std::vector<std::byte>& frame) {
  Request request;
  const auto header = read_request_header(frame);
  EXPECT_TRUE(header);
  if (!header) return request;
  const bool flexible = is_flexible(header->api, header->version);
  EXPECT_TRUE(
      decode(request, ByteView(frame).subspan(header->size_bytes), header->version, flexible));
  std::vector<std::byte> again;
  write_request_header(again, *header);
  encode(request, again, header->version, flexible);
  EXPECT_EQ(again, frame);
  return request;
}

TEST(Golden, ApiVersionsOfLibrdkafka) {
  const auto frame = from_hex(kApiVersions3);
  EXPECT_EQ(same_again<ApiVersionsRequest>(frame).client_software_name, "librdkafka");
}
TEST(Golden, MetadataOfLibrdkafka) {
  const auto frame = from_hex(kMetadata4);
  const auto request = same_again<MetadataRequest>(frame);
  ASSERT_EQ(request.topics->size(), 1U);
  EXPECT_EQ(request.topics->front().name, "golden");
  EXPECT_TRUE(request.allow_auto_topic_creation);
}
TEST(Golden, ProduceOfLibrdkafka) {
  const auto frame = from_hex(kProduce7);
  const auto request = same_again<ProduceRequest>(frame);
  EXPECT_EQ(request.acks, -1);
  EXPECT_EQ(request.timeout_ms, 30'000);
  EXPECT_EQ(request.topics.at(0).partitions.at(0).records->size(), 76U);
}
TEST(Golden, ListOffsetsOfLibrdkafka) {
  const auto frame = from_hex(kListOffsets2);
  EXPECT_EQ(same_again<ListOffsetsRequest>(frame).topics.at(0).partitions.at(0).timestamp_ms,
            ListOffsetsRequest::kEarliest);
}
TEST(Golden, FetchOfLibrdkafka) {
  const auto frame = from_hex(kFetch11);
  const auto request = same_again<FetchRequest>(frame);
  EXPECT_EQ(request.wait_ms_max, 500);
  EXPECT_EQ(request.isolation_level, 1);
  EXPECT_EQ(request.topics.at(0).partitions.at(0).bytes_max, 1 << 20);
}

}  // namespace
}  // namespace penstock::protocol
