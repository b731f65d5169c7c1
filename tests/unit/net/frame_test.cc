#include "framework/net/frame.h"

#include <gtest/gtest.h>

namespace penstock::net {
namespace {

constexpr std::size_t kKb = 1024;
constexpr std::size_t kMb = 1024 * kKb;
using Growth = FrameUnderWay::Growth;

/// A frame of which `arrived` bytes came, as far as the budget lets them.
struct Incoming {
  FrameUnderWay frame;
  bool waits = false;

  Incoming(std::size_t length, const std::shared_ptr<FrameBudget>& budget) {
    frame.begin(length, budget);
  }
  ~Incoming() { frame.reset(); }
  /// False when it has to wait.
  bool arrive(std::size_t bytes, bool alone = true) {
    while (bytes > 0) {
      if (frame.grow(alone) != Growth::kDone) return false;
      const std::size_t step = std::min(bytes, frame.room().size());
      frame.filled(step);
      bytes -= step;
    }
    return true;
  }
};

TEST(FrameBudget, AnAnnouncedLengthCostsNothingBeforeItsBytesCome) {
  const auto budget = std::make_shared<FrameBudget>(16 * kMb);
  Incoming liar(100 * kMb, budget);
  EXPECT_TRUE(liar.arrive(1));
  EXPECT_LE(budget->used(), FrameBudget::kSmallBytes);
}
TEST(FrameBudget, AFrameOverTheBudgetGrowsBesideItAndLeavesTheRoomToOthers) {
  const auto budget = std::make_shared<FrameBudget>(4 * kMb);
  Incoming huge(20 * kMb, budget);
  EXPECT_TRUE(huge.arrive(20 * kMb));
  EXPECT_TRUE(huge.frame.whole());
  EXPECT_LE(budget->used(), FrameBudget::kSmallBytes);
  Incoming other(2 * kMb, budget);
  EXPECT_TRUE(other.arrive(2 * kMb));
}
TEST(FrameBudget, OneOversizeFrameAtATimeAndTheNextInTurn) {
  const auto budget = std::make_shared<FrameBudget>(4 * kMb);
  int woken = 0;
  budget->set_on_room([&] { ++woken; });
  auto first = std::make_unique<Incoming>(20 * kMb, budget);
  Incoming second(20 * kMb, budget);
  Incoming third(20 * kMb, budget);
  EXPECT_TRUE(first->arrive(kMb));
  EXPECT_FALSE(second.arrive(kMb));
  EXPECT_FALSE(third.arrive(kMb));
  first.reset();
  EXPECT_EQ(woken, 1);
  EXPECT_FALSE(third.arrive(kMb)) << "the second was there before";
  EXPECT_TRUE(second.arrive(kMb));
}
TEST(FrameBudget, SmallFramesPassAnExhaustedBudget) {
  const auto budget = std::make_shared<FrameBudget>(kMb);
  std::vector<std::unique_ptr<Incoming>> big;
  for (int i = 0; i < 4; ++i) big.push_back(std::make_unique<Incoming>(512 * kKb, budget));
  bool all = true;
  for (const auto& frame : big) all = frame->arrive(512 * kKb) && all;
  EXPECT_FALSE(all);
  Incoming small(60 * kKb, budget);
  EXPECT_TRUE(small.arrive(60 * kKb, false));
}
TEST(FrameBudget, PipelinedSmallFramesAreBoundedButEachConnectionHasOne) {
  const auto budget = std::make_shared<FrameBudget>(128 * kKb);
  std::vector<std::unique_ptr<Incoming>> kept;
  int admitted = 0;
  for (int i = 0; i < 100; ++i) {
    kept.push_back(std::make_unique<Incoming>(64 * kKb, budget));
    if (kept.back()->arrive(64 * kKb, false)) ++admitted;
  }
  EXPECT_EQ(admitted, 4);
  Incoming alone(64 * kKb, budget);
  EXPECT_TRUE(alone.arrive(64 * kKb, true));
}
TEST(FrameBudget, ABigFrameDoesNotStarveBehindSmallOnes) {
  const auto budget = std::make_shared<FrameBudget>(128 * kKb);
  std::vector<std::unique_ptr<Incoming>> small;
  for (int i = 0; i < 10; ++i) {
    small.push_back(std::make_unique<Incoming>(64 * kKb, budget));
    EXPECT_TRUE(small.back()->arrive(64 * kKb));
  }
  Incoming big(100 * kKb, budget);
  EXPECT_TRUE(big.arrive(100 * kKb)) << "as the one beside";
}
TEST(FrameBudget, WhoeverWaitsAndGoesDoesNotHoldUpTheNext) {
  const auto budget = std::make_shared<FrameBudget>(kMb);
  int woken = 0;
  budget->set_on_room([&] { ++woken; });
  Incoming beside(20 * kMb, budget);
  EXPECT_TRUE(beside.arrive(kMb));
  auto full = std::make_unique<Incoming>(512 * kKb, budget);
  EXPECT_TRUE(full->arrive(512 * kKb));
  auto first = std::make_unique<Incoming>(512 * kKb, budget);
  Incoming second(300 * kKb, budget);
  EXPECT_FALSE(first->arrive(512 * kKb));
  EXPECT_FALSE(second.arrive(300 * kKb));
  first.reset();
  EXPECT_EQ(woken, 1);
  EXPECT_TRUE(second.arrive(300 * kKb));
}
TEST(FrameBudget, TheLastCopyGivesTheBytesBack) {
  const auto budget = std::make_shared<FrameBudget>(kMb);
  Incoming incoming(100 * kKb, budget);
  ASSERT_TRUE(incoming.arrive(100 * kKb));
  Frame frame = incoming.frame.finish();
  EXPECT_EQ(frame.bytes().size(), 100 * kKb);
  const Frame copy = frame;
  frame.reset();
  EXPECT_EQ(budget->used(), 100 * kKb);
  { const Frame last = std::move(const_cast<Frame&>(copy)); }
  EXPECT_EQ(budget->used(), 0U);
}

}  // namespace
}  // namespace penstock::net
