#include "framework/config/definition.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace penstock::config {
namespace {

std::vector<Key> keys() {
  return {
      {.name = "url"},
      {.name = "password", .kind = Kind::kPassword, .fallback = ""},
      {.name = "mode", .fallback = "bulk", .one_of = "bulk|incrementing"},
      {.name = "column", .when = "mode=incrementing"},
      {.name = "batch.size", .kind = Kind::kInt, .fallback = "100", .min = 1, .max = 1000},
      {.name = "poll.interval.ms", .kind = Kind::kDuration, .fallback = "5s", .min = 1},
      {.name = "tables", .kind = Kind::kList, .fallback = ""},
      {.name = "topic.prefix", .fallback = "x-", .pattern = "[a-z-]+"},
      {.name = "dry", .kind = Kind::kBool, .fallback = "false"},
      {.name = "ratio", .kind = Kind::kDouble, .fallback = "0.5"},
  };
}

TEST(Definition, FallbacksAreTyped) {
  const Definition definition(keys());
  EXPECT_TRUE(definition.defects().empty());
  const Checked checked = definition.check({{"url", "db"}});
  ASSERT_TRUE(checked.problems.empty()) << join(checked.problems);
  EXPECT_EQ(checked.settings.text("url"), "db");
  EXPECT_EQ(checked.settings.number("batch.size"), 100);
  EXPECT_EQ(checked.settings.number("poll.interval.ms"), 5000);
  EXPECT_EQ(checked.settings.real("ratio"), 0.5);
  EXPECT_FALSE(checked.settings.flag("dry"));
  EXPECT_TRUE(checked.settings.list("tables").empty());
  EXPECT_TRUE(checked.settings.given("url"));
  EXPECT_FALSE(checked.settings.given("mode"));
}

TEST(Definition, AllProblemsComeAtOnceInKafkasWords) {
  const Checked checked = Definition(keys()).check({{"mode", "fast"},
                                                    {"batch.size", "0"},
                                                    {"poll.interval.ms", "soon"},
                                                    {"topic.prefix", "A"},
                                                    {"dry", "yes"}});
  EXPECT_EQ(join(checked.problems),
            "Missing required configuration \"url\" which has no default value.\n"
            "Invalid value fast for configuration mode: String must be one of: bulk, incrementing\n"
            "Invalid value 0 for configuration batch.size: Value must be at least 1\n"
            "Invalid value soon for configuration poll.interval.ms: Not a duration: give "
            "milliseconds, or a number with ms, s, m, h or d\n"
            "Invalid value A for configuration topic.prefix: Must match [a-z-]+\n"
            "Invalid value yes for configuration dry: Expected value to be either true or false");
}

TEST(Definition, AKeyIsRequiredOnlyWhileItsConditionHolds) {
  const Definition definition(keys());
  EXPECT_TRUE(definition.check({{"url", "db"}}).problems.empty());
  const Checked checked = definition.check({{"url", "db"}, {"mode", "incrementing"}});
  ASSERT_EQ(checked.problems.size(), 1U);
  EXPECT_EQ(checked.problems[0].key, "column");
  EXPECT_TRUE(checked.settings.visible("column"));
}

TEST(Definition, ARequiredSettingMustNotBeEmpty) {
  EXPECT_EQ(Definition(keys()).check({{"url", ""}}).problems.size(), 1U);
}

TEST(Definition, PasswordsAreNeverShown) {
  const Definition definition(
      std::vector<Key>{{.name = "password", .kind = Kind::kPassword, .pattern = "[a-z]+"}});
  const Checked bad = definition.check({{"password", "S3CRET"}});
  EXPECT_EQ(join(bad.problems),
            "Invalid value [hidden] for configuration password: Must match [a-z]+");
  const Checked good = definition.check({{"password", "secret"}});
  EXPECT_EQ(good.settings.text("password"), "secret");
  EXPECT_EQ(definition.shown(good.settings).at("password"), "[hidden]");
}

TEST(Definition, UnknownNamesAreProblemsOnlyWhenAsked) {
  const Definition definition(keys(), {"producer."});
  const Map given{{"url", "db"}, {"batch.sise", "5"}, {"zzz", "1"}, {"producer.acks", "all"}};
  const Checked loose = definition.check(given);
  EXPECT_TRUE(loose.problems.empty());
  EXPECT_EQ(loose.unknown, (std::vector<std::string>{"batch.sise", "zzz"}));
  EXPECT_EQ(loose.settings.under("producer."), (Map{{"acks", "all"}}));
  EXPECT_EQ(
      join(definition.check_strictly(given).problems),
      "Unknown configuration batch.sise; did you mean batch.size?\nUnknown configuration zzz.");
}

TEST(Definition, ListsCheckEachItemAndKeepTheirViewsWhenMoved) {
  const Definition definition(
      std::vector<Key>{{.name = "types", .kind = Kind::kList, .fallback = "a", .one_of = "a|b"}});
  EXPECT_EQ(definition.check({{"types", "a,c"}}).problems.size(), 1U);
  Checked checked = definition.check({{"types", "a, b"}});
  const Settings moved = std::move(checked.settings);
  ASSERT_EQ(moved.list("types").size(), 2U);
  EXPECT_EQ(moved.list("types")[1], "b");
}

TEST(Definition, AskingForAnotherKindOrNameThrows) {
  const Checked checked = Definition(keys()).check({{"url", "db"}});
  EXPECT_THROW(static_cast<void>(checked.settings.number("url")), std::logic_error);
  EXPECT_THROW(static_cast<void>(checked.settings.list("url")), std::logic_error);
  EXPECT_THROW(static_cast<void>(checked.settings.text("nope")), std::logic_error);
}

TEST(Definition, MaximumBelowMinimumMeansNoUpperBound) {
  const Definition definition(
      std::vector<Key>{{.name = "n", .kind = Kind::kLong, .fallback = "5", .min = 2}});
  EXPECT_TRUE(definition.check({{"n", "9999999999"}}).problems.empty());
  EXPECT_EQ(definition.check({{"n", "1"}}).problems.size(), 1U);
}

TEST(Definition, ItsOwnDefectsAreFound) {
  const Definition definition(std::vector<Key>{{.name = "a", .kind = Kind::kInt, .fallback = "x"},
                                               {.name = "a"},
                                               {.name = "b", .pattern = "("},
                                               {.name = "c", .when = "nope=1"},
                                               {.name = "m", .one_of = "x|y"},
                                               {.name = "d", .when = "m=z"}});
  EXPECT_EQ(join(definition.defects()),
            "setting a: its fallback x is refused: Not a number of type INT\n"
            "setting a is declared twice\n"
            "setting b: its pattern ( is not a regular expression\n"
            "setting c: its condition nope=1 names no other setting\n"
            "setting d: its condition m=z can never hold");
}

TEST(Definition, ALongValueDoesNotOverflowTheMatcher) {
  const Definition definition(std::vector<Key>{{.name = "a", .pattern = "(a|b)*"}});
  EXPECT_EQ(definition.check({{"a", std::string(1'000'000, 'a')}}).problems.size(), 1U);
}

}  // namespace
}  // namespace penstock::config
