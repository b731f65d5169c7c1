#include "framework/connect/host/block.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace penstock::host {
namespace {

TEST(Block, MemoryStaysWhereItIsWhileTheBlockGrows) {
  HostBlock block;
  std::vector<std::string_view> views;
  std::vector<std::string> copies;
  for (std::size_t i = 0; i < 5000; ++i) {
    copies.emplace_back(i % 997, static_cast<char>('a' + i % 26));
    views.push_back(block.copy(copies.back()));
    block.add().topic = views.back();
  }
  for (std::size_t i = 0; i < views.size(); ++i) ASSERT_EQ(views[i], copies[i]);
  EXPECT_EQ(block.size(), 5000U);
  EXPECT_EQ(block.records()[4999].topic, copies[4999]);
}

TEST(Block, IsFullAtEitherSoftLimitAndStillTakesMore) {
  HostBlock block({.soft_records = 2, .soft_bytes = 100});
  EXPECT_FALSE(block.full());
  block.add();
  block.add();
  EXPECT_TRUE(block.full());
  block.reset();
  EXPECT_FALSE(block.full());
  block.copy(std::string(101, 'x'));
  EXPECT_TRUE(block.full());
  block.add();
  EXPECT_EQ(block.size(), 1U);
}

TEST(Block, AResetKeepsUsualSlabsAndFreesExcess) {
  HostBlock block({.soft_records = 10, .soft_bytes = 1024 * 1024});
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 1000; ++i) block.copy(std::string(1000, 'x'));
    block.reset();
  }
  EXPECT_LE(block.held_bytes(), 3U * 1024 * 1024);
  block.copy(std::string(64U * 1024 * 1024, 'x'));
  EXPECT_GE(block.held_bytes(), 64U * 1024 * 1024);
  block.reset();
  EXPECT_LE(block.held_bytes(), 3U * 1024 * 1024);
}

TEST(Block, TheHardLimitThrowsAndTheBlockStaysUsable) {
  HostBlock block({.soft_records = 10, .soft_bytes = 1000, .hard_bytes = 1024 * 1024});
  EXPECT_THROW(block.allocate(2U * 1024 * 1024), std::bad_alloc);
  block.reset();
  EXPECT_EQ(block.copy("abc"), "abc");
}

TEST(Block, SizesThatWouldWrapAroundThrow) {
  HostBlock block;
  EXPECT_THROW(block.allocate(SIZE_MAX), std::bad_alloc);
  EXPECT_THROW(block.values(SIZE_MAX / 8), std::bad_alloc);
  EXPECT_THROW(block.headers(SIZE_MAX / 16), std::bad_alloc);
}

TEST(Block, DropLastTakesBackARecordAndThrowsOnAnEmptyBlock) {
  HostBlock block;
  block.add();
  block.drop_last();
  EXPECT_EQ(block.size(), 0U);
  EXPECT_THROW(block.drop_last(), std::logic_error);
}

TEST(Block, GivesEightAlignedMemoryAndEmptyText) {
  HostBlock block;
  for (std::size_t size = 0; size < 40; ++size)
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block.allocate(size)) % 8, 0U);
  EXPECT_NE(block.copy("").data(), nullptr);
  EXPECT_TRUE(block.values(0).empty());
}

}  // namespace
}  // namespace penstock::host
