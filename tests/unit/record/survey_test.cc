#include "framework/record/survey.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace penstock::record {
namespace {

using Bytes = std::vector<std::byte>;

Bytes batch(Codec codec, int count = 3) {
  BatchBuilder::Options options;
  options.codec = codec;
  BatchBuilder builder(options);
  const std::array<HeaderView, 2> headers = {HeaderView{"h", "1"},
                                             HeaderView{"null", std::nullopt}};
  for (int i = 0; i < count; ++i) {
    if (i % 2 == 0)
      builder.add(1000 - i, "key", std::string(200, 'v'), headers);
    else
      builder.add(1000 + i, "key", std::nullopt);
  }
  return builder.finish();
}
Result<Survey> survey(const Bytes& bytes) {
  const auto view = BatchView::parse(bytes);
  if (!view) return tl::make_unexpected(view.error());
  return survey_records(*view);
}

TEST(Survey, SoundBatchesOfEveryCodecPassAndTellTheirTimes) {
  for (int codec = 0; codec < 5; ++codec) {
    const auto found = survey(batch(static_cast<Codec>(codec)));
    ASSERT_TRUE(found) << codec << " " << found.error().text;
    EXPECT_EQ(found->oldest_ms, 998);
    EXPECT_EQ(found->newest_ms, 1001);
    EXPECT_TRUE(found->all_keyed);
  }
}
TEST(Survey, ARecordWithoutAKeyIsSeen) {
  BatchBuilder builder;
  builder.add(1, "key", "value");
  builder.add(2, std::nullopt, "value");
  const auto found = survey(builder.finish());
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->all_keyed);
}
TEST(Survey, GapsInTheOffsetsDoNotPass) {
  BatchBuilder builder;
  builder.add_at(0, 1, "key", "value");
  builder.add_at(2, 1, "key", "value");
  EXPECT_FALSE(survey(builder.finish()));
}
TEST(Survey, ACountThatDoesNotMatchDoesNotPass) {
  for (const std::int32_t count : {2, 4, 1000}) {
    Bytes bytes = batch(Codec::kNone);
    store_be(bytes.data() + kBatchHeaderBytes - 4, count);
    EXPECT_FALSE(survey(bytes)) << count;
  }
}
TEST(Survey, WhatItPassesTheReaderReadsAndTheOtherWayRound) {
  std::mt19937_64 random(7);
  const Bytes good = batch(Codec::kNone, 6);
  int passed = 0;
  for (int round = 0; round < 20'000; ++round) {
    Bytes bad = good;
    for (std::uint64_t n = 1 + random() % 3; n > 0; --n) {
      bad[kBatchHeaderBytes + random() % (bad.size() - kBatchHeaderBytes)] =
          static_cast<std::byte>(random());
    }
    const auto view = BatchView::parse(bad);
    ASSERT_TRUE(view);
    auto reader = RecordReader::open(*view);
    ASSERT_TRUE(reader);
    RecordView record;
    std::int64_t newest = INT64_MIN;
    Result<bool> more = true;
    while ((more = reader->next(record)) && *more) newest = std::max(newest, record.timestamp_ms);
    const auto found = survey_records(*view);
    // Six records whose deltas rise and do not pass 5 have no gaps.
    ASSERT_EQ(found.has_value(), more.has_value());
    if (!found) continue;
    ++passed;
    EXPECT_EQ(found->newest_ms, newest);
  }
  EXPECT_GT(passed, 100);
}

}  // namespace
}  // namespace penstock::record
