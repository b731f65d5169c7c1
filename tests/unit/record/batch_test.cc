#include <gtest/gtest.h>

#include "framework/record/batch.h"

namespace penstock::record {
namespace {

using Bytes = std::vector<std::byte>;

Bytes from_hex(std::string_view hex) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

BatchBuilder three_records(BatchBuilder::Options options = {}) {
  BatchBuilder builder(options);
  const HeaderView headers[] = {{"trace", "abc"}, {"empty", std::nullopt}};
  builder.add(1000, "key", "value", headers);
  builder.add(1005, std::nullopt, "");
  builder.add(990, "tombstone", std::nullopt);
  return builder;
}

void expect_three_records(const Bytes& bytes, Offset base) {
  const auto batch = BatchView::parse(bytes);
  ASSERT_TRUE(batch) << batch.error().text;
  EXPECT_TRUE(batch->crc_matches());
  EXPECT_EQ(batch->header().max_timestamp_ms, 1005);
  auto reader = RecordReader::open(*batch);
  ASSERT_TRUE(reader) << reader.error().text;
  RecordView record;
  ASSERT_TRUE(*reader->next(record));
  EXPECT_EQ(record.offset, base);
  EXPECT_EQ(record.timestamp_ms, 1000);
  EXPECT_EQ(record.key, "key");
  ASSERT_EQ(record.headers.size(), 2U);
  EXPECT_EQ(record.headers[0].value, "abc");
  EXPECT_EQ(record.headers[1].value, std::nullopt);
  ASSERT_TRUE(*reader->next(record));
  EXPECT_EQ(record.key, std::nullopt);
  EXPECT_EQ(record.value, "");
  EXPECT_EQ(record.timestamp_ms, 1005);
  ASSERT_TRUE(*reader->next(record));
  EXPECT_EQ(record.offset, base + 2);
  EXPECT_EQ(record.value, std::nullopt);
  EXPECT_EQ(record.timestamp_ms, 990);
  const auto more = reader->next(record);
  ASSERT_TRUE(more) << more.error().text;
  EXPECT_FALSE(*more);
}

TEST(Batch, RoundTripsWithEveryCodec) {
  for (const Codec codec :
       {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    SCOPED_TRACE(static_cast<int>(codec));
    BatchBuilder::Options options;
    options.codec = codec;
    auto builder = three_records(options);
    const Bytes bytes = builder.finish(Offset(40));
    EXPECT_EQ(parse_header(bytes)->codec(), codec);
    expect_three_records(bytes, Offset(40));
  }
}

TEST(Batch, WritesTheBytesThatTheFormatDemands) {
  BatchBuilder builder;
  builder.add(5, "k", "v");
  // Laid out by hand from the specification; the CRC is over everything from the attributes on.
  const Bytes bytes = builder.finish(Offset(7));
  const Bytes front = from_hex(
      "0000000000000007"
      "0000003a"
      "ffffffff"
      "02");
  const Bytes behind_crc = from_hex(
      "0000"
      "00000000"
      "0000000000000005"
      "0000000000000005"
      "ffffffffffffffff"
      "ffff"
      "ffffffff"
      "00000001"
      "10"
      "00"
      "00"
      "00"
      "02"
      "6b"
      "02"
      "76"
      "00");
  ASSERT_EQ(bytes.size(), front.size() + 4 + behind_crc.size());
  EXPECT_TRUE(std::equal(front.begin(), front.end(), bytes.begin()));
  EXPECT_TRUE(std::equal(behind_crc.begin(), behind_crc.end(), bytes.begin() + 21));
}

TEST(Batch, BaseOffsetAndEpochLieOutsideTheCrc) {
  Bytes bytes = three_records().finish();
  set_base_offset_and_epoch(bytes, Offset(123456789012), LeaderEpoch(9));
  expect_three_records(bytes, Offset(123456789012));
  EXPECT_EQ(parse_header(bytes)->leader_epoch, LeaderEpoch(9));
}

TEST(Batch, LogAppendTimeReplacesEveryTimestamp) {
  Bytes bytes = three_records().finish();
  set_log_append_time(bytes, 7777);
  const auto batch = BatchView::parse(bytes);
  ASSERT_TRUE(batch);
  EXPECT_TRUE(batch->crc_matches());
  auto reader = RecordReader::open(*batch);
  RecordView record;
  while (*reader->next(record)) EXPECT_EQ(record.timestamp_ms, 7777);
}

TEST(Batch, EveryCutIsOutOfRangeAndEveryOtherMagicUnsupported) {
  const Bytes bytes = three_records().finish();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto batch = BatchView::parse(ByteView(bytes).first(size));
    ASSERT_FALSE(batch);
    EXPECT_EQ(batch.error().code, Errc::kOutOfRange);
  }
  Bytes old = bytes;
  old[16] = std::byte{1};
  EXPECT_EQ(BatchView::parse(old).error().code, Errc::kUnsupported);
}

TEST(Batch, EveryFlippedBitIsFoundOrOutsideTheCrc) {
  const Bytes good = three_records().finish();
  for (std::size_t byte = 0; byte < good.size(); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes bytes = good;
      bytes[byte] ^= static_cast<std::byte>(1 << bit);
      const auto batch = BatchView::parse(bytes);
      if (!batch || !batch->crc_matches()) continue;
      EXPECT_TRUE(byte < 8 || (byte >= 12 && byte < 16)) << "byte " << byte;
    }
  }
}

TEST(Batch, RecordsWithImpossibleLengthsAreCorrupt) {
  const Bytes good = three_records().finish();
  // Structure alone, as if the CRC had been made for it: nothing may be read beyond the batch.
  for (std::size_t byte = kBatchHeaderBytes; byte < good.size(); ++byte) {
    for (const int value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
      Bytes bytes = good;
      bytes[byte] = static_cast<std::byte>(value);
      const auto batch = BatchView::parse(bytes);
      ASSERT_TRUE(batch);
      auto reader = RecordReader::open(*batch);
      ASSERT_TRUE(reader);
      RecordView record;
      for (int i = 0; i < 10; ++i) {
        const auto more = reader->next(record);
        if (!more) {
          EXPECT_EQ(more.error().code, Errc::kCorrupt);
          break;
        }
        if (!*more) break;
      }
    }
  }
}

TEST(Batch, MarkersTellCommitFromAbort) {
  BatchBuilder::Options options;
  options.control = options.transactional = true;
  BatchBuilder builder(options);
  builder.add(1, std::string_view("\0\0\0\1", 4), std::string_view("\0\0\0\0\0\5", 6));
  const Bytes bytes = builder.finish();
  const auto marker = read_marker(*BatchView::parse(bytes));
  ASSERT_TRUE(marker);
  ASSERT_TRUE(*marker);
  EXPECT_EQ((*marker)->type, 1);
  EXPECT_EQ((*marker)->coordinator_epoch, 5);
}

}  // namespace
}  // namespace penstock::record
