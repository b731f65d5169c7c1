#include "framework/config/value.h"

#include <gtest/gtest.h>

namespace penstock::config {
namespace {

TEST(ConfigValue, DurationsTakeUnitsAndPlainMilliseconds) {
  EXPECT_EQ(parse_duration_ms("250"), 250);
  EXPECT_EQ(parse_duration_ms("250ms"), 250);
  EXPECT_EQ(parse_duration_ms(" 5 s "), 5000);
  EXPECT_EQ(parse_duration_ms("2m"), 120'000);
  EXPECT_EQ(parse_duration_ms("1h"), 3'600'000);
  EXPECT_EQ(parse_duration_ms("7d"), 604'800'000);
  EXPECT_EQ(parse_duration_ms("-1"), -1);
  for (const char* bad : {"", "ms", "5 sec", "1.5s", "99999999999999d", "--1", "+-1"})
    EXPECT_FALSE(parse_duration_ms(bad)) << bad;
}

TEST(ConfigValue, SizesAreBinary) {
  EXPECT_EQ(parse_bytes("1024"), 1024);
  EXPECT_EQ(parse_bytes("64KiB"), 65536);
  EXPECT_EQ(parse_bytes("1mb"), 1048576);
  EXPECT_EQ(parse_bytes("2GiB"), 2147483648);
  EXPECT_FALSE(parse_bytes("1XB"));
  EXPECT_FALSE(parse_bytes("9999999999GiB"));
}

TEST(ConfigValue, NumbersAreWholeOrRefused) {
  EXPECT_EQ(parse_integer("+5"), 5);
  EXPECT_FALSE(parse_integer("5x"));
  EXPECT_FALSE(parse_integer("9223372036854775808"));
  EXPECT_EQ(parse_real("1e3"), 1000.0);
  EXPECT_FALSE(parse_real("NaN"));
  EXPECT_FALSE(parse_real("inf"));
  EXPECT_EQ(parse_flag("TRUE"), true);
  EXPECT_FALSE(parse_flag("yes"));
}

TEST(ConfigValue, ListsDropSpaces) {
  EXPECT_EQ(parse_list(" a , b,c "), (std::vector<std::string_view>{"a", "b", "c"}));
  EXPECT_TRUE(parse_list("  ").empty());
}

}  // namespace
}  // namespace penstock::config
