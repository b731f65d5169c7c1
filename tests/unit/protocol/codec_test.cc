#include "framework/protocol/codec.h"

#include <gtest/gtest.h>

#include <random>

#include "framework/protocol/api.h"
#include "framework/protocol/messages/fetch.h"
#include "framework/protocol/request_header.h"

namespace penstock::protocol {
namespace {

struct Numbers {
  std::vector<std::int64_t> values;
  std::optional<std::string> name;
  std::int32_t extra = 0;
  template <class V>
  void fields(V& v) {
    v(values);
    v(name);
    v.tagged(3, extra);
  }
};

std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
  std::vector<std::byte> out;
  for (const int value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

TEST(Codec, AnArrayLongerThanTheMessageIsRefusedBeforeAnythingIsAllocated) {
  Numbers out;
  EXPECT_FALSE(decode(out, bytes_of({0x7F, 0xFF, 0xFF, 0xFF, 0, 0}), 0, false));
  EXPECT_EQ(out.values.capacity(), 0U);
}
TEST(Codec, ANegativeLengthOtherThanNullIsRefused) {
  Numbers out;
  EXPECT_FALSE(decode(out, bytes_of({0xFF, 0xFF, 0xFF, 0xFE, 0xFF, 0xFF}), 0, false));
}
TEST(Codec, BytesBehindTheMessageAreRefused) {
  Numbers out;
  EXPECT_TRUE(decode(out, bytes_of({0, 0, 0, 0, 0xFF, 0xFF}), 0, false));
  EXPECT_FALSE(decode(out, bytes_of({0, 0, 0, 0, 0xFF, 0xFF, 0}), 0, false));
}
TEST(Codec, BytesBehindARequestAreLeftUnread) {
  Numbers out;
  std::size_t left = 0;
  EXPECT_TRUE(decode_front(out, bytes_of({0, 0, 0, 0, 0xFF, 0xFF, 1, 0, 0}), 0, false, &left));
  EXPECT_EQ(left, 3U);
  EXPECT_FALSE(decode_front(out, bytes_of({0, 0, 0, 0, 0}), 0, false));
}
TEST(Codec, ATextLongerThanStoredRecordsCanHoldIsNeitherReadNorWritten) {
  Numbers longest;
  longest.name.emplace(kTextBytesMax, 'x');
  std::vector<std::byte> bytes;
  encode(longest, bytes, 0, true);
  Numbers back;
  ASSERT_TRUE(decode(back, bytes, 0, true));
  EXPECT_EQ(back.name, longest.name);

  Numbers longer;
  longer.name.emplace(kTextBytesMax + 1, 'x');
  for (const bool flexible : {false, true}) {
    std::vector<std::byte> to;
    Writer writer(to, 0, flexible);
    writer.structure(longer);
    EXPECT_FALSE(writer.ok()) << flexible;
  }
  // Its compact length, as Kafka's limit has it: 32,768, and one more because 0 is null.
  bytes = bytes_of({1, 0x81, 0x80, 0x02});
  bytes.resize(bytes.size() + kTextBytesMax + 1, std::byte{'x'});
  bytes.push_back(std::byte{0});
  EXPECT_FALSE(decode(back, bytes, 0, true));
}
TEST(Codec, ARequestHoldsSoManyElementsAndSoMuchMemoryAndNoMore) {
  Numbers many;
  many.values.resize(kRequestElementsMax);
  std::vector<std::byte> bytes;
  encode(many, bytes, 0, false);
  Numbers back;
  EXPECT_TRUE(decode_front(back, bytes, 0, false));
  many.values.emplace_back();
  bytes.clear();
  encode(many, bytes, 0, false);
  EXPECT_FALSE(decode_front(back, bytes, 0, false));
  EXPECT_TRUE(decode(back, bytes, 0, false))
      << "answers to clients of ours are as long as they are";
}
TEST(CodecDeathTest, ATooLongTextInARecordOfOursIsADefect) {
  Numbers longer;
  longer.name.emplace(kTextBytesMax + 1, 'x');
  std::vector<std::byte> to;
  EXPECT_DEATH(encode(longer, to, 0, false), "assertion failed: writer.ok");
}
TEST(Codec, UnknownTagsAreSkipped) {
  Numbers out;
  ASSERT_TRUE(decode(out, bytes_of({1, 0, 2, 3, 4, 0, 0, 0, 9, 7, 2, 1, 1}), 0, true));
  EXPECT_EQ(out.extra, 9);
}
TEST(Codec, TagsOutOfOrderAreRefused) {
  Numbers out;
  EXPECT_FALSE(decode(out, bytes_of({1, 0, 2, 7, 0, 3, 4, 0, 0, 0, 9}), 0, true));
}
TEST(Codec, ATaggedFieldWithItsDefaultIsNotWritten) {
  std::vector<std::byte> out;
  encode(Numbers{}, out, 0, true);
  EXPECT_EQ(out, bytes_of({1, 0, 0}));
}
TEST(Codec, AnyBytesAreRefusedOrReadWithoutHarm) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::byte> bytes(random() % 120);
    for (std::byte& b : bytes) b = static_cast<std::byte>(random() % (round % 2 == 0 ? 256 : 5));
    for (const std::int16_t version : {std::int16_t{4}, std::int16_t{11}, std::int16_t{12}}) {
      FetchRequest request;
      static_cast<void>(
          decode(request, bytes, version, is_flexible(ApiKey::kFetch, version)).has_value());
      static_cast<void>(read_request_header(bytes).has_value());
    }
  }
}
TEST(Codec, AFlexibleRequestHeaderKeepsAClassicClientId) {
  std::vector<std::byte> bytes;
  write_request_header(bytes, {ApiKey::kFetch, 12, 77, "me", 0});
  EXPECT_EQ(bytes, bytes_of({0, 1, 0, 12, 0, 0, 0, 77, 0, 2, 'm', 'e', 0}));
  const auto header = read_request_header(bytes);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->client_id, "me");
  EXPECT_EQ(header->size_bytes, bytes.size());
}
TEST(Codec, TheApiVersionsResponseHeaderIsNeverFlexible) {
  std::vector<std::byte> bytes;
  write_response_header(bytes, ApiKey::kApiVersions, 4, 5);
  EXPECT_EQ(bytes.size(), 4U);
  write_response_header(bytes, ApiKey::kMetadata, 12, 5);
  EXPECT_EQ(bytes.size(), 9U);
}
TEST(Api, EveryNamedKeyIsFoundByItsNumber) {
  int named = 0;
  for (std::int16_t key = -1; key < 100; ++key) {
    const ApiName* api = find_api(ApiKey(key));
    if (api == nullptr) continue;
    EXPECT_EQ(static_cast<std::int16_t>(api->key), key);
    ++named;
  }
  EXPECT_GE(named, 45);
}

}  // namespace
}  // namespace penstock::protocol
