#include "framework/connect/host/plugin_config.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace penstock::host {
namespace {

constexpr ConfigKey kKeys[] = {
    {ConfigKey::kString, "url", nullptr, "Where."},
    {ConfigKey::kDuration, "poll.interval.ms", "5s", "How often."},
    {ConfigKey::kList, "tables", "", "Which."},
};

TEST(PluginConfig, GivesAPluginItsTypedSettings) {
  auto checked = definition_of(kKeys).check({{"url", "x"}, {"tables", "a,b"}, {"unknown", "1"}});
  ASSERT_TRUE(checked.problems.empty());
  EXPECT_EQ(checked.unknown, (std::vector<std::string>{"unknown"}));
  const PluginConfig config(std::move(checked.settings));
  EXPECT_EQ(config.text("url"), "x");
  EXPECT_EQ(config.number("poll.interval.ms"), 5000);
  EXPECT_EQ(config.list("tables").size(), 2U);
  EXPECT_FALSE(config.given("poll.interval.ms"));
  EXPECT_THROW(static_cast<void>(config.text("unknown")), std::logic_error);
}

TEST(PlannedTasks, PutsATasksSettingsOnTopOfTheConnectors) {
  PlannedTasks planned({{"url", "x"}}, kKeys, 2);
  EXPECT_THROW(planned.set("tables", "a"), std::logic_error);
  planned.add();
  planned.set("tables", "a");
  planned.add();
  EXPECT_THROW(planned.set("nope", "a"), std::logic_error);
  EXPECT_THROW(planned.add(), std::logic_error);
  ASSERT_EQ(planned.tasks().size(), 2U);
  EXPECT_EQ(planned.tasks()[0], (config::Map{{"url", "x"}, {"tables", "a"}}));
  EXPECT_EQ(planned.tasks()[1], (config::Map{{"url", "x"}}));
}

TEST(ProblemList, KeepsOneOfEach) {
  ProblemList problems;
  problems.add("a", "bad");
  problems.add("a", "bad");
  problems.add("a", "worse");
  EXPECT_EQ(problems.problems().size(), 2U);
}

}  // namespace
}  // namespace penstock::host
