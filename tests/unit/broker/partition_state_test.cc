#include "broker/partition_state.h"

#include <gtest/gtest.h>

namespace penstock::broker {
namespace {

using protocol::ErrorCode;

PartitionState state(FlushMode flush) {
  PartitionState out;
  out.epoch = LeaderEpoch(4);
  out.log_end = Offset(100);
  out.flushed_end = Offset(60);
  out.high_watermark = Offset(50);
  out.flush = flush;
  return out;
}

TEST(PartitionState, TheHighWatermarkFollowsThePageCacheOrTheDisk) {
  EXPECT_EQ(next_high_watermark(state(FlushMode::kOs)), Offset(100));
  EXPECT_EQ(next_high_watermark(state(FlushMode::kAck)), Offset(60));
}
TEST(PartitionState, TheHighWatermarkNeverGoesBack) {
  PartitionState s = state(FlushMode::kAck);
  s.high_watermark = Offset(80);
  EXPECT_EQ(next_high_watermark(s), Offset(80));
}
TEST(PartitionState, AcksAllWaitsForTheHighWatermarkAndOneForTheDiskOnlyWhenAsked) {
  EXPECT_FALSE(may_acknowledge(state(FlushMode::kOs), Offset(51), -1));
  EXPECT_TRUE(may_acknowledge(state(FlushMode::kOs), Offset(50), -1));
  EXPECT_TRUE(may_acknowledge(state(FlushMode::kOs), Offset(100), 1));
  EXPECT_FALSE(may_acknowledge(state(FlushMode::kAck), Offset(61), 1));
  EXPECT_TRUE(may_acknowledge(state(FlushMode::kAck), Offset(60), 1));
}
TEST(PartitionState, AcksAllWaitsForTheDiskWhereTheHighWatermarkWasAheadOfIt) {
  PartitionState s = state(FlushMode::kAck);
  s.high_watermark = Offset(80);
  EXPECT_FALSE(may_acknowledge(s, Offset(61), -1));
  EXPECT_TRUE(may_acknowledge(s, Offset(60), -1));
}
TEST(PartitionState, AcksAllNeedsEnoughReplicas) {
  PartitionState three = state(FlushMode::kOs);
  three.replicas = 3;
  EXPECT_EQ(check_append(three, -1, 2), ErrorCode::kNotEnoughReplicas);
  EXPECT_EQ(check_append(three, 1, 2), ErrorCode::kNone);
  EXPECT_EQ(check_append(three, -1, 1), ErrorCode::kNone);
}
TEST(PartitionState, TheOnlyReplicaIsEnoughWhateverTheSettingSays) {
  EXPECT_EQ(check_append(state(FlushMode::kOs), -1, 2), ErrorCode::kNone);
}
TEST(PartitionState, AnotherLeaderEpochIsFencedOrUnknown) {
  EXPECT_EQ(check_leader_epoch(state(FlushMode::kOs), LeaderEpoch(-1)), ErrorCode::kNone);
  EXPECT_EQ(check_leader_epoch(state(FlushMode::kOs), LeaderEpoch(3)),
            ErrorCode::kFencedLeaderEpoch);
  EXPECT_EQ(check_leader_epoch(state(FlushMode::kOs), LeaderEpoch(5)),
            ErrorCode::kUnknownLeaderEpoch);
}
TEST(PartitionState, AnOpenTransactionHoldsTheLastStableOffsetBack) {
  EXPECT_EQ(last_stable_offset(state(FlushMode::kOs), Offset(30)), Offset(30));
  EXPECT_EQ(last_stable_offset(state(FlushMode::kOs), Offset(70)), Offset(50));
  EXPECT_EQ(last_stable_offset(state(FlushMode::kOs), Offset::kNone), Offset(50));
}

}  // namespace
}  // namespace penstock::broker
