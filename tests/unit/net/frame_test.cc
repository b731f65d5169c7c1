#include "framework/net/frame.h"

#include <gtest/gtest.h>

namespace penstock::net {
namespace {

TEST(FrameBudget, OneFrameIsAlwaysAdmittedWhateverItsSize) {
  FrameBudget budget(10);
  EXPECT_TRUE(budget.try_take(1000));
  EXPECT_FALSE(budget.try_take(1));
}
TEST(FrameBudget, GivingBackWakesWhoWasRefused) {
  const auto budget = std::make_shared<FrameBudget>(10);
  int woken = 0;
  budget->set_on_room([&] { ++woken; });
  ASSERT_TRUE(budget->try_take(8));
  Frame frame = Frame::allocate(8, budget);
  const Frame copy = frame;
  EXPECT_FALSE(budget->try_take(8));
  frame.reset();
  EXPECT_EQ(woken, 0) << "a copy still holds the bytes";
}
TEST(FrameBudget, TheLastCopyGivesTheBytesBack) {
  const auto budget = std::make_shared<FrameBudget>(10);
  int woken = 0;
  budget->set_on_room([&] { ++woken; });
  ASSERT_TRUE(budget->try_take(8));
  {
    const Frame frame = Frame::allocate(8, budget);
    EXPECT_FALSE(budget->try_take(8));
  }
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(budget->used(), 0U);
  EXPECT_TRUE(budget->try_take(8));
}

}  // namespace
}  // namespace penstock::net
