#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "framework/base/bytes.h"
#include "framework/base/crc32c.h"
#include "framework/base/ids.h"
#include "framework/base/murmur2.h"
#include "framework/base/sha256.h"
#include "framework/base/varint.h"

namespace penstock {
namespace {

TEST(Crc32c, MatchesThePublishedCheckValue) {
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xE3069283U);
}

TEST(Crc32c, LongInputsGiveTheSameInOnePieceAndInMany) {
  std::string text;
  for (std::size_t i = 0; i < 100'003; ++i) text.push_back(static_cast<char>(i * 131 + i / 7));
  const std::uint32_t whole = crc32c(as_bytes(text));
  for (std::size_t piece : {1UL, 7UL, 4096UL, 6143UL, 6144UL, 50'000UL}) {
    std::uint32_t crc = 0;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      crc = crc32c_extend(crc, as_bytes(std::string_view(text).substr(at, piece)));
    }
    EXPECT_EQ(crc, whole) << "in pieces of " << piece;
  }
}

// Vectors from the Java client's own test of Utils.murmur2.
TEST(Murmur2, MatchesTheJavaClient) {
  EXPECT_EQ(static_cast<std::int32_t>(murmur2(as_bytes("21"))), -973932308);
  EXPECT_EQ(static_cast<std::int32_t>(murmur2(as_bytes("foobar"))), -790332482);
  EXPECT_EQ(static_cast<std::int32_t>(murmur2(as_bytes("a-little-bit-long-string"))), -985981536);
  EXPECT_EQ(static_cast<std::int32_t>(murmur2(as_bytes("abc"))), 479470107);
}

TEST(Varint, RoundTripsEdgesAndRefusesWhatIsTooLong) {
  for (std::int64_t v : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{63}, std::int64_t{64},
                         INT64_MAX, INT64_MIN}) {
    std::byte buffer[kVarintBytesMax];
    const auto size = static_cast<std::size_t>(put_varint(buffer, v) - buffer);
    EXPECT_EQ(size, varint_size(v));
    std::size_t at = 0;
    std::int64_t out = 0;
    ASSERT_TRUE(get_varint({buffer, size}, at, out));
    EXPECT_EQ(out, v);
    at = 0;
    EXPECT_FALSE(get_varint({buffer, size - 1}, at, out) && size > 1);
  }
  const std::vector<std::byte> endless(11, std::byte{0xFF});
  std::size_t at = 0;
  std::uint64_t out = 0;
  EXPECT_FALSE(get_uvarint(endless, at, out));
}

TEST(Uuid, TextRoundTrips) {
  for (int i = 0; i < 100; ++i) {
    const Uuid id = Uuid::random();
    Uuid back;
    ASSERT_EQ(id.text().size(), 22U);
    ASSERT_TRUE(Uuid::parse(id.text(), back));
    EXPECT_EQ(back, id);
  }
}

TEST(Sha256, GivesThePublishedDigests) {
  Sha256 empty;
  EXPECT_EQ(empty.hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256 million;
  const std::string piece(997, 'a');
  for (int i = 0; i < 1003; ++i) million.add(as_bytes(piece));
  million.add(as_bytes("aaaaaaaaa"));
  EXPECT_EQ(million.hex(), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

}  // namespace
}  // namespace penstock
