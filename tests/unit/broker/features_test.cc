#include "broker/features.h"

#include <gtest/gtest.h>

namespace penstock::broker {
namespace {

using Type = UpgradeType;

FeatureLevels levels(std::int16_t transaction, std::int16_t group) {
  return {7, transaction, group};
}
protocol::ErrorCode refusal(FeatureLevels now, const FeatureUpdate& update) {
  const auto next = updated(now, {update});
  return next ? protocol::ErrorCode::kNone : next.error().code;
}
constexpr auto kInvalid = protocol::ErrorCode::kInvalidUpdateVersion;

TEST(Features, TheHighestLevelsAreInForceAtFirst) {
  for (const FeatureDef& def : feature_defs()) EXPECT_EQ(FeatureLevels().*def.level, def.high);
  EXPECT_GE(FeatureLevels().epoch, 1);
}
TEST(Features, AnUpgradeNeedsNoMoreThanAHigherLevel) {
  EXPECT_EQ(*updated(levels(0, 1), {{"transaction.version", 2, Type::kUpgrade}}), levels(2, 1));
}
TEST(Features, TheSameLevelIsNoChangeInAnyWay) {
  for (const Type type : {Type::kUpgrade, Type::kSafeDowngrade, Type::kUnsafeDowngrade})
    EXPECT_EQ(*updated(levels(1, 1), {{"transaction.version", 1, type}}), levels(1, 1));
}
TEST(Features, ADowngradeHasToBeAskedForAsOne) {
  EXPECT_EQ(refusal(levels(2, 1), {"transaction.version", 1, Type::kUpgrade}), kInvalid);
  EXPECT_EQ(*updated(levels(2, 1), {{"transaction.version", 1, Type::kSafeDowngrade}}),
            levels(1, 1));
  EXPECT_EQ(*updated(levels(2, 1), {{"group.version", 0, Type::kUnsafeDowngrade}}), levels(2, 0));
}
TEST(Features, ADowngradeDoesNotLeadUp) {
  EXPECT_EQ(refusal(levels(1, 1), {"transaction.version", 2, Type::kSafeDowngrade}), kInvalid);
}
TEST(Features, WhatIsNotOfferedIsRefused) {
  EXPECT_EQ(refusal(levels(2, 1), {"transaction.version", 3, Type::kUpgrade}), kInvalid);
  EXPECT_EQ(refusal(levels(2, 1), {"transaction.version", -1, Type::kSafeDowngrade}), kInvalid);
  EXPECT_EQ(refusal(levels(2, 1), {"metadata.version", 30, Type::kUpgrade}), kInvalid);
  EXPECT_EQ(refusal(levels(2, 1), {"", 0, Type::kUpgrade}), kInvalid);
}
TEST(Features, UpgradeTypesThatAreNotThereAreRefused) {
  for (const int type : {-1, 0, 4, 127})
    EXPECT_EQ(refusal(levels(2, 1), {"transaction.version", 2, static_cast<Type>(type)}), kInvalid);
}
TEST(Features, OneWrongUpdateRefusesAll) {
  EXPECT_FALSE(updated(levels(2, 1), {{"group.version", 0, Type::kSafeDowngrade},
                                      {"transaction.version", 9, Type::kUpgrade}}));
}

}  // namespace
}  // namespace penstock::broker
