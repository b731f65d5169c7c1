#include "framework/net/shard.h"

#include <gtest/gtest.h>

#include <future>
#include <vector>

namespace penstock::net {
namespace {

TEST(Shard, PostsFromOneThreadRunInOrderOnTheShard) {
  Shard shard(3);
  std::vector<int> seen;
  std::promise<bool> done;
  for (int i = 0; i < 1000; ++i) shard.post([&seen, i] { seen.push_back(i); });
  shard.post([&] { done.set_value(shard.here()); });
  EXPECT_FALSE(shard.here());
  shard.start();
  EXPECT_TRUE(done.get_future().get());
  ASSERT_EQ(seen.size(), 1000U);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], i);
}
TEST(Shard, TimersFireInTheOrderOfTheirTimesAndCancelledOnesDoNot) {
  Shard shard(0);
  std::vector<int> seen;
  std::promise<void> done;
  shard.post([&] {
    shard.after(40, [&] {
      seen.push_back(3);
      done.set_value();
    });
    shard.after(20, [&] { seen.push_back(2); });
    const Shard::TimerId never = shard.after(10, [&] { seen.push_back(-1); });
    shard.after(5, [&, never] {
      seen.push_back(1);
      shard.cancel(never);
    });
  });
  shard.start();
  done.get_future().wait();
  shard.stop();
  EXPECT_EQ(seen, (std::vector<int>{1, 2, 3}));
}
TEST(Shard, WhatIsPostedToAStoppedShardIsDestroyedUnrun) {
  const auto token = std::make_shared<int>(0);
  {
    Shard shard(0);
    shard.start();
    shard.stop();
    shard.post([token] { FAIL(); });
  }
  EXPECT_EQ(token.use_count(), 1);
}

}  // namespace
}  // namespace penstock::net
