#include <gtest/gtest.h>

#include "framework/record/batch.h"

namespace penstock::record {
namespace {

using Bytes = std::vector<std::byte>;
constexpr Codec kCodecs[] = {Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd};

Bytes sample(std::size_t size) {
  Bytes bytes(size);
  std::uint32_t state = 1;
  for (std::size_t i = 0; i < size; ++i) {
    if (i % 7 == 0) state = state * 1664525 + 1013904223;
    bytes[i] = static_cast<std::byte>(state >> 24);
  }
  return bytes;
}

TEST(Compression, RoundTripsAcrossBlockSizes) {
  for (const Codec codec : kCodecs) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{32767},
                                   std::size_t{32768}, std::size_t{300000}}) {
      SCOPED_TRACE(testing::Message() << static_cast<int>(codec) << " " << size);
      const Bytes plain = sample(size);
      const auto packed = compress(codec, plain);
      ASSERT_TRUE(packed);
      const auto back = decompress(codec, *packed, size);
      ASSERT_TRUE(back) << back.error().text;
      EXPECT_EQ(*back, plain);
    }
  }
}

TEST(Compression, StopsAtTheCap) {
  const Bytes plain(8 << 20);
  for (const Codec codec : kCodecs) {
    const auto packed = compress(codec, plain);
    ASSERT_TRUE(packed);
    const auto back = decompress(codec, *packed, plain.size() - 1);
    ASSERT_FALSE(back);
    EXPECT_EQ(back.error().code, Errc::kTooLarge);
  }
}

TEST(Compression, CutAndDamagedStreamsFailWithoutHarm) {
  const Bytes plain = sample(2000);
  for (const Codec codec : kCodecs) {
    const Bytes packed = *compress(codec, plain);
    for (std::size_t size = 0; size < packed.size(); size += 3) {
      const auto back = decompress(codec, ByteView(packed).first(size), 1 << 20);
      if (back && !back->empty()) {
        EXPECT_NE(*back, plain);
      }
    }
    for (std::size_t byte = 0; byte < packed.size(); ++byte) {
      Bytes bad = packed;
      bad[byte] ^= std::byte{0x55};
      const auto back = decompress(codec, bad, 1 << 20);
      if (!back) {
        EXPECT_TRUE(back.error().code == Errc::kCorrupt || back.error().code == Errc::kTooLarge);
      }
    }
  }
}

TEST(Compression, ReadsRawSnappyToo) {
  // A literal of five bytes: length 5, tag (5-1)<<2, "hello".
  const std::string raw = std::string("\x05\x10", 2) + "hello";
  const auto plain = decompress(Codec::kSnappy, as_bytes(raw), 100);
  ASSERT_TRUE(plain) << plain.error().text;
  EXPECT_EQ(as_text(*plain), "hello");
}

}  // namespace
}  // namespace penstock::record
