#include "framework/config/properties.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

namespace penstock::config {
namespace {

Map parsed(std::string_view text) {
  auto map = parse_properties(text);
  EXPECT_TRUE(map) << (map ? "" : map.error().text);
  return map ? *map : Map{};
}

TEST(Properties, KeyAndValueMayBeSeparatedByEqualsColonOrSpace) {
  EXPECT_EQ(parsed("a=1\nb: 2\nc 3\n  d\t=\t4\ne\nf=\n"),
            (Map{{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}, {"e", ""}, {"f", ""}}));
}
TEST(Properties, OnlyTheFirstSeparatorCounts) {
  EXPECT_EQ(parsed("a = =x=y:z"), (Map{{"a", "=x=y:z"}}));
}
TEST(Properties, CommentsAndBlankLinesAreSkipped) {
  EXPECT_EQ(parsed("# a=1\n ! b=2\r\n\r\n\nc=3#4"), (Map{{"c", "3#4"}}));
}
TEST(Properties, ABackslashContinuesTheLine) {
  EXPECT_EQ(parsed("a=1,\\\n   2,\\\r\n\t3\nb=4\\\\\nc=5"),
            (Map{{"a", "1,2,3"}, {"b", "4\\"}, {"c", "5"}}));
}
TEST(Properties, ACommentSignInAContinuedLineIsText) {
  EXPECT_EQ(parsed("a=1\\\n#2"), (Map{{"a", "1#2"}}));
}
TEST(Properties, EscapesAreUndone) {
  EXPECT_EQ(parsed("a\\ b\\=c\\:=\\t\\n\\q\\u00e9\\uD83D\\uDE00"),
            (Map{{"a b=c:", "\t\nq\xC3\xA9\xF0\x9F\x98\x80"}}));
}
TEST(Properties, TrailingSpaceBelongsToTheValue) {
  EXPECT_EQ(parsed("a=1  \n"), (Map{{"a", "1  "}}));
}
TEST(Properties, TheLastOfTwoEqualKeysWins) { EXPECT_EQ(parsed("a=1\na=2"), (Map{{"a", "2"}})); }
TEST(Properties, ABadEscapeNamesItsLine) {
  EXPECT_EQ(parse_properties("a=1\n\nb=\\u12").error().text,
            "line 3: \\u needs four hexadecimal digits");
  EXPECT_EQ(parse_properties("b=\\uD800x").error().text, "line 1: half of a surrogate pair");
}
TEST(Properties, AMissingFileIsNamed) {
  const auto result = load_properties("/nonexistent/worker.properties");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::kNotFound);
  EXPECT_NE(result.error().text.find("/nonexistent/worker.properties"), std::string::npos);
}
TEST(Properties, AnyBytesGiveAnAnswer) {
  std::mt19937 random(7);
  constexpr std::string_view kLetters = "ab=: \t\\\n\r#!u0dD8\xC3";
  for (int round = 0; round < 20'000; ++round) {
    std::string text(random() % 24, ' ');
    for (char& c : text) c = kLetters[random() % kLetters.size()];
    const auto map = parse_properties(text);
    if (!map) {
      EXPECT_TRUE(map.error().text.starts_with("line ")) << map.error().text;
    }
  }
}

}  // namespace
}  // namespace penstock::config
