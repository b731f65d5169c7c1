#include "framework/cli/table.h"

#include <gtest/gtest.h>

namespace penstock::cli {
namespace {

TEST(Table, FitsColumnsAndAlignsNumbers) {
  Table table({{"NAME"}, {"ROWS", true}});
  table.add({"flights", "336,776"});
  table.add({"é", "1"});
  EXPECT_EQ(table.text(), "NAME        ROWS\nflights  336,776\né              1\n");
}

TEST(Table, WritesThousandsWithCommas) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1000), "1,000");
  EXPECT_EQ(with_commas(-1234567), "-1,234,567");
}

}  // namespace
}  // namespace penstock::cli
