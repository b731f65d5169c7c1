#include "broker/coordinator/coordinator.h"

#include <gtest/gtest.h>

namespace penstock::broker {
namespace {

TEST(GroupPartition, IsThatOfJavasStringHash) {
  // "g".hashCode() is 103; the largest modulus shows the hash itself.
  EXPECT_EQ(group_partition_index("g", 50), 3);
  EXPECT_EQ(group_partition_index("", 50), 0);
  EXPECT_EQ(group_partition_index("ab", 2147483647), 97 * 31 + 98);
  // Text outside ASCII is hashed in UTF-16: one unit for U+00E9, two for U+1F600.
  EXPECT_EQ(group_partition_index("\xC3\xA9", 2147483647), 0xE9);
  EXPECT_EQ(group_partition_index("\xF0\x9F\x98\x80", 2147483647), 0xD83D * 31 + 0xDE00);
  // "polygenelubricants".hashCode() is the smallest number there is, which has no positive
  // counterpart.
  EXPECT_EQ(group_partition_index("polygenelubricants", 50), 0);
}

}  // namespace
}  // namespace penstock::broker
