#include "broker/coordinator/embedded_consumer.h"

#include <gtest/gtest.h>

namespace penstock::broker {
namespace {

std::string bytes(std::initializer_list<int> list) {
  std::string out;
  for (const int b : list) out.push_back(static_cast<char>(b));
  return out;
}

// As kafka-clients 4.3.0 writes it: topic t, no user data, owned t-0 and t-1, generation 7, rack r.
const std::string kVersion3 =
    bytes({0, 3, 0, 0, 0, 1, 0, 1, 't', 255, 255, 255, 255, 0, 0, 0, 1, 0, 1,  't',
           0, 0, 0, 2, 0, 0, 0, 0, 0,   0,   0,   1,   0,   0, 0, 7, 0, 1, 'r'});

TEST(EmbeddedConsumer, ASubscriptionOfVersion3IsRead) {
  const auto read = read_subscription(kVersion3);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->version, 3);
  EXPECT_EQ(read->topics, (std::set<std::string, std::less<>>{"t"}));
  EXPECT_EQ(read->owned, (NamedPartitions{{"t", {0, 1}}}));
  EXPECT_EQ(read->rack_id, "r");
}
TEST(EmbeddedConsumer, OlderVersionsHaveLess) {
  const auto v0 = read_subscription(bytes({0, 0, 0, 0, 0, 1, 0, 1, 't', 0, 0, 0, 1, 9}));
  ASSERT_TRUE(v0);
  EXPECT_EQ(v0->version, 0);
  EXPECT_TRUE(v0->owned.empty());
  const auto v1 = read_subscription(
      bytes({0, 1, 0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 1, 0, 1, 't', 0, 0, 0, 1, 0, 0, 0, 4}));
  ASSERT_TRUE(v1);
  EXPECT_EQ(v1->owned, (NamedPartitions{{"t", {4}}}));
  EXPECT_TRUE(read_subscription(bytes({0, 2}) + kVersion3.substr(2, kVersion3.size() - 5)));
}
TEST(EmbeddedConsumer, ANewerVersionIsReadAsFarAsItIsKnown) {
  const auto read = read_subscription(bytes({0, 9}) + kVersion3.substr(2) + "more");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->version, 3);
}
TEST(EmbeddedConsumer, CutOffBytesAreMalformedAtEveryLength) {
  for (std::size_t n = 0; n < kVersion3.size(); ++n)
    EXPECT_FALSE(read_subscription(kVersion3.substr(0, n))) << n;
  EXPECT_FALSE(read_subscription(bytes({255, 255}) + kVersion3.substr(2)));
  EXPECT_FALSE(read_subscription(bytes({0, 0, 127, 255, 255, 255})));
  const std::string assignment = write_assignment({{"t", {0}}}, 1);
  for (std::size_t n = 1; n < assignment.size(); ++n)
    EXPECT_FALSE(read_assignment(assignment.substr(0, n))) << n;
}
TEST(EmbeddedConsumer, TheTopicsAloneNeedNoMore) {
  EXPECT_TRUE(read_subscribed_topics(kVersion3)->contains("t"));
  EXPECT_TRUE(read_subscribed_topics(bytes({0, 1, 0, 0, 0, 1, 0, 1, 't'}))->contains("t"));
  EXPECT_FALSE(read_subscribed_topics(bytes({0, 1, 0, 0, 0, 1, 0, 2, 't'})));
}
TEST(EmbeddedConsumer, AnAssignmentIsWrittenAsKafkaWritesIt) {
  const std::string written = write_assignment({{"t", {1, 2}}}, 3);
  EXPECT_EQ(written, bytes({0, 3, 0, 0, 0, 1, 0, 1, 't', 0,   0,   0,  2,
                            0, 0, 0, 1, 0, 0, 0, 2, 255, 255, 255, 255}));
  const auto read = read_assignment(written);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->partitions, (NamedPartitions{{"t", {1, 2}}}));
  EXPECT_FALSE(read->has_user_data);
  EXPECT_EQ(write_assignment({}, 9).substr(0, 2), bytes({0, 3}));
  EXPECT_EQ(write_assignment({}, -1).substr(0, 2), bytes({0, 0}));
}
TEST(EmbeddedConsumer, NoBytesAreAnEmptyAssignmentAndUserDataIsSeen) {
  EXPECT_TRUE(read_assignment("")->partitions.empty());
  EXPECT_FALSE(read_assignment(bytes({0, 0, 0, 0, 0, 0, 0, 0, 0, 0}))->has_user_data);
  EXPECT_TRUE(read_assignment(bytes({0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 7}))->has_user_data);
}

}  // namespace
}  // namespace penstock::broker
