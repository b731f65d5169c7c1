#include "framework/connect/supervise/restart_policy.h"

#include <gtest/gtest.h>

namespace penstock::connect {
namespace {

TEST(RestartPolicy, WaitsDoubleUpToTheirMaximumAndAreSpread) {
  std::mt19937_64 random(1);
  RestartPolicy policy({100, 1'000, 100, 1'000'000});
  std::int64_t full = 100;
  for (int i = 0; i < 8; ++i) {
    const auto wait = policy.failed(0, random);
    ASSERT_TRUE(wait);
    EXPECT_GE(*wait, full / 2);
    EXPECT_LE(*wait, full);
    full = std::min<std::int64_t>(full * 2, 1'000);
  }
}

TEST(RestartPolicy, TheBudgetEndsAndComesBackWithTime) {
  std::mt19937_64 random(1);
  RestartPolicy policy({100, 1'000, 3, 10'000});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(policy.failed(i, random));
  EXPECT_FALSE(policy.failed(3, random));
  EXPECT_EQ(policy.attempts(), 3);
  EXPECT_TRUE(policy.failed(10'000, random));
}

TEST(RestartPolicy, ProgressMakesTheNextWaitShortAgain) {
  std::mt19937_64 random(1);
  RestartPolicy policy({100, 100'000, 100, 1'000'000});
  for (int i = 0; i < 6; ++i) static_cast<void>(policy.failed(0, random));
  policy.progressed();
  EXPECT_LE(*policy.failed(0, random), 100);
}

TEST(RestartPolicy, WhatIsNotItsFaultIsNotCounted) {
  std::mt19937_64 random(1);
  RestartPolicy policy({100, 1'000, 1, 1'000'000});
  for (int i = 0; i < 5; ++i) EXPECT_GT(policy.failed_outside_budget(random), 0);
  EXPECT_EQ(policy.attempts(), 0);
}

}  // namespace
}  // namespace penstock::connect
