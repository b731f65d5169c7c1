#include "framework/record/recode.h"

#include <gtest/gtest.h>

#include <string>

namespace penstock::record {
namespace {

using Bytes = std::vector<std::byte>;

constexpr Codec kAll[] = {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd};

Bytes batch(Codec codec) {
  BatchBuilder::Options options;
  options.codec = codec;
  options.producer_id = ProducerId(7);
  options.producer_epoch = ProducerEpoch(3);
  options.base_sequence = 42;
  options.transactional = true;
  BatchBuilder builder(options);
  for (int i = 0; i < 5; ++i)
    builder.add(1000 + i, "key" + std::to_string(i), std::string(300, 'v'));
  return builder.finish(Offset(9));
}

TEST(Recode, EveryCodecTurnsIntoEveryOtherAndNothingElseChanges) {
  for (const Codec from : kAll) {
    for (const Codec to : kAll) {
      const Bytes before = batch(from);
      const auto view = BatchView::parse(before);
      const auto after = with_codec(*view, to);
      ASSERT_TRUE(after) << after.error().text;
      const auto out = BatchView::parse(*after);
      ASSERT_TRUE(out) << out.error().text;
      EXPECT_TRUE(out->crc_matches());
      EXPECT_EQ(out->bytes().size(), after->size());
      const BatchHeader& header = out->header();
      EXPECT_EQ(header.codec(), to);
      EXPECT_EQ(header.base_offset, Offset(9));
      EXPECT_EQ(header.record_count, 5);
      EXPECT_EQ(header.max_timestamp_ms, 1004);
      EXPECT_EQ(header.producer_id, ProducerId(7));
      EXPECT_EQ(header.producer_epoch, ProducerEpoch(3));
      EXPECT_EQ(header.base_sequence, 42);
      EXPECT_TRUE(header.transactional());
      auto reader = RecordReader::open(*out);
      ASSERT_TRUE(reader);
      RecordView record;
      for (int i = 0; i < 5; ++i) {
        const auto more = reader->next(record);
        ASSERT_TRUE(more && *more);
        EXPECT_EQ(record.key, "key" + std::to_string(i));
        EXPECT_EQ(record.value, std::string(300, 'v'));
        EXPECT_EQ(record.timestamp_ms, 1000 + i);
      }
    }
  }
}
TEST(Recode, OutputHasALimit) {
  const Bytes before = batch(Codec::kZstd);
  const auto after = with_codec(*BatchView::parse(before), Codec::kNone, 100);
  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().code, Errc::kTooLarge);
}

}  // namespace
}  // namespace penstock::record
