#include "broker/coordinator/consumer_assignor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace penstock::broker {
namespace {

Uuid topic(std::uint64_t n) { return Uuid{n, 1}; }

AssignorInput random_input(std::mt19937_64& random) {
  const auto pick = [&random](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
  };
  AssignorInput input;
  const std::size_t topics = 1 + pick(6);
  for (std::size_t t = 0; t < topics; ++t)
    input.partitions[topic(t)] = static_cast<std::int32_t>(1 + pick(9));
  const std::size_t members = 1 + pick(7);
  const bool same = pick(2) == 0;
  for (std::size_t m = 0; m < members; ++m) {
    AssignorMember& member = input.members["m" + std::to_string(m)];
    if (pick(4) == 0) member.instance_id = "i" + std::to_string(pick(100)) + std::to_string(m);
    for (std::size_t t = 0; t < topics; ++t) {
      if (same || pick(2) == 0) member.topics.push_back(topic(t));
    }
  }
  return input;
}

/// Each partition of a topic with subscribers has one owner, who subscribes; nobody else has any.
void check_whole(const AssignorInput& input, const std::map<std::string, Assignment>& out) {
  std::map<std::pair<Uuid, std::int32_t>, int> owners;
  std::set<Uuid> read;
  ASSERT_EQ(out.size(), input.members.size());
  for (const auto& [id, member] : input.members) {
    const std::set<Uuid> mine(member.topics.begin(), member.topics.end());
    read.insert(mine.begin(), mine.end());
    for (const auto& [of, partitions] : out.at(id)) {
      EXPECT_TRUE(mine.contains(of));
      for (const std::int32_t partition : partitions) ++owners[{of, partition}];
    }
  }
  std::size_t all = 0;
  for (const Uuid& of : read) {
    for (std::int32_t p = 0; p < input.partitions.at(of); ++p, ++all)
      EXPECT_EQ((owners[{of, p}]), 1);
  }
  EXPECT_EQ(owners.size(), all);
}

std::size_t load(const Assignment& assignment) {
  std::size_t n = 0;
  for (const auto& [of, partitions] : assignment) n += partitions.size();
  return n;
}

void check_even(const AssignorInput& input, const std::map<std::string, Assignment>& out) {
  for (const auto& [id, member] : input.members) {
    for (const auto& [of, partitions] : out.at(id)) {
      for (const auto& [other, reader] : input.members) {
        const bool reads =
            std::find(reader.topics.begin(), reader.topics.end(), of) != reader.topics.end();
        if (!reads) continue;
        EXPECT_LE(load(out.at(id)), load(out.at(other)) + 1);
      }
    }
  }
}

TEST(ConsumerAssignor, UniformIsWholeEvenAndStays) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    AssignorInput input = random_input(random);
    const auto first = assign_uniform(input);
    check_whole(input, first);
    check_even(input, first);
    for (auto& [id, member] : input.members) member.before = first.at(id);
    EXPECT_EQ(assign_uniform(input), first);
  }
}

TEST(ConsumerAssignor, UniformMovesOnlyWhatAMemberLeaves) {
  AssignorInput input;
  input.partitions = {{topic(0), 6}, {topic(1), 6}};
  for (const char* id : {"a", "b", "c"}) input.members[id].topics = {topic(0), topic(1)};
  const auto first = assign_uniform(input);
  for (auto& [id, member] : input.members) member.before = first.at(id);
  input.members.erase("c");
  const auto second = assign_uniform(input);
  check_whole(input, second);
  check_even(input, second);
  for (const char* id : {"a", "b"}) {
    for (const auto& [of, partitions] : first.at(id)) {
      for (const std::int32_t partition : partitions)
        EXPECT_TRUE(second.at(id).at(of).contains(partition));
    }
  }
  // A new member takes a third of each, and no more than that moves.
  for (auto& [id, member] : input.members) member.before = second.at(id);
  input.members["d"].topics = {topic(0), topic(1)};
  const auto third = assign_uniform(input);
  check_even(input, third);
  EXPECT_EQ(load(third.at("d")), 4u);
  for (const char* id : {"a", "b"}) {
    for (const auto& [of, partitions] : third.at(id)) {
      for (const std::int32_t partition : partitions)
        EXPECT_TRUE(second.at(id).at(of).contains(partition));
    }
  }
}

TEST(ConsumerAssignor, RangeIsWholeAndEvenWithinATopic) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    check_whole(random_input(random), [&] {
      std::mt19937_64 again(seed);
      return assign_range(random_input(again));
    }());
  }
}

TEST(ConsumerAssignor, RangeGivesTheSameNumbersOfEqualTopics) {
  AssignorInput input;
  input.partitions = {{topic(0), 5}, {topic(1), 5}};
  for (const char* id : {"a", "b"}) input.members[id].topics = {topic(0), topic(1)};
  const auto out = assign_range(input);
  EXPECT_EQ(out.at("a").at(topic(0)), (std::set<std::int32_t>{0, 1, 2}));
  EXPECT_EQ(out.at("a").at(topic(1)), (std::set<std::int32_t>{0, 1, 2}));
  EXPECT_EQ(out.at("b").at(topic(1)), (std::set<std::int32_t>{3, 4}));
}

TEST(ConsumerAssignor, RangeOrdersByInstanceIds) {
  AssignorInput input;
  input.partitions = {{topic(0), 2}};
  input.members["a"].topics = input.members["z"].topics = {topic(0)};
  input.members["z"].instance_id = "first";
  const auto out = assign_range(input);
  EXPECT_EQ(out.at("z").at(topic(0)), (std::set<std::int32_t>{0}));
}

TEST(ConsumerAssignor, OnlyKnownNamesAreFound) {
  EXPECT_NE(find_assignor("uniform"), nullptr);
  EXPECT_NE(find_assignor("range"), nullptr);
  EXPECT_EQ(find_assignor("sticky"), nullptr);
}

}  // namespace
}  // namespace penstock::broker
