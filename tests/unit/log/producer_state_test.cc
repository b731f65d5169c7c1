#include "framework/log/producer_state.h"

#include <gtest/gtest.h>

namespace penstock::log {
namespace {

record::BatchHeader header(std::int32_t sequence, std::int32_t count, std::int64_t offset,
                           std::int16_t epoch = 0) {
  record::BatchHeader result;
  result.base_offset = Offset(offset);
  result.last_offset_delta = count - 1;
  result.record_count = count;
  result.producer_id = ProducerId(9);
  result.producer_epoch = ProducerEpoch(epoch);
  result.base_sequence = sequence;
  result.max_timestamp_ms = 1000 + offset;
  return result;
}

TEST(ProducerState, OneOfTheLastFiveBatchesIsADuplicateAndOlderOnesAreOutOfOrder) {
  ProducerState state;
  for (int i = 0; i < 7; ++i) state.appended(header(i * 10, 10, i * 10), std::nullopt, -1);
  const auto duplicate = state.check(header(30, 10, 0));
  EXPECT_EQ(duplicate.verdict, SequenceVerdict::kDuplicate);
  EXPECT_EQ(duplicate.duplicate_base_offset, Offset(30));
  EXPECT_EQ(state.check(header(10, 10, 0)).verdict, SequenceVerdict::kOutOfOrder);
  EXPECT_EQ(state.check(header(70, 10, 0)).verdict, SequenceVerdict::kAppend);
  EXPECT_EQ(state.check(header(80, 10, 0)).verdict, SequenceVerdict::kOutOfOrder);
}

TEST(ProducerState, AnOldEpochIsFencedAndANewOneBeginsAtZero) {
  ProducerState state;
  state.appended(header(0, 1, 0, 3), std::nullopt, -1);
  EXPECT_EQ(state.check(header(1, 1, 0, 2)).verdict, SequenceVerdict::kFenced);
  EXPECT_EQ(state.check(header(1, 1, 0, 4)).verdict, SequenceVerdict::kOutOfOrder);
  EXPECT_EQ(state.check(header(0, 1, 0, 4)).verdict, SequenceVerdict::kAppend);
}

TEST(ProducerState, SequencesWrapToZero) {
  ProducerState state;
  state.appended(header(INT32_MAX - 1, 2, 0), std::nullopt, -1);
  EXPECT_EQ(state.check(header(0, 1, 0)).verdict, SequenceVerdict::kAppend);
}

TEST(ProducerState, AnAbortMarkerGivesTheAbortedRange) {
  ProducerState state;
  auto data = header(0, 3, 10);
  data.attributes = 0x10;
  state.appended(data, std::nullopt, -1);
  EXPECT_EQ(state.first_unstable(), Offset(10));
  auto marker = header(-1, 1, 13);
  marker.attributes = 0x30;
  const auto aborted = state.appended(marker, std::int16_t{0}, 4);
  ASSERT_TRUE(aborted);
  EXPECT_EQ(aborted->first, Offset(10));
  EXPECT_EQ(aborted->last, Offset(13));
  EXPECT_EQ(aborted->last_stable, Offset(14));
  EXPECT_EQ(state.first_unstable(), Offset::kNone);
}

TEST(ProducerState, SnapshotsCarryOnAndRefuseEveryFlippedBit) {
  ProducerState state;
  state.appended(header(0, 5, 0), std::nullopt, -1);
  const auto bytes = state.encode();
  ProducerState other;
  ASSERT_TRUE(other.decode(bytes));
  EXPECT_EQ(other.check(header(0, 5, 0)).verdict, SequenceVerdict::kDuplicate);
  EXPECT_EQ(other.check(header(5, 1, 0)).verdict, SequenceVerdict::kAppend);
  EXPECT_EQ(other.encode(), bytes);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto bad = bytes;
    bad[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
    EXPECT_FALSE(other.decode(bad));
  }
}

TEST(ProducerState, ExpiredProducersAreForgottenUnlessATransactionIsOpen) {
  ProducerState state;
  state.appended(header(0, 1, 0), std::nullopt, -1);
  auto open = header(0, 1, 1);
  open.producer_id = ProducerId(10);
  open.attributes = 0x10;
  state.appended(open, std::nullopt, -1);
  state.expire(1'000, 500);
  state.expire(1'500, 500);
  EXPECT_TRUE(state.entries().contains(9));
  state.expire(1'501, 500);
  EXPECT_FALSE(state.entries().contains(9));
  EXPECT_TRUE(state.entries().contains(10));
}

TEST(ProducerState, OldTimestampsDoNotMakeAProducerOld) {
  ProducerState state;
  auto historic = header(0, 5, 0);
  historic.max_timestamp_ms = 978'307'200'000;  // 2001
  state.appended(historic, std::nullopt, -1);
  state.expire(1'795'000'000'000, 86'400'000);
  EXPECT_EQ(state.check(historic).verdict, SequenceVerdict::kDuplicate);
}

}  // namespace
}  // namespace penstock::log
