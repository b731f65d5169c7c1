#include "broker/broker_config.h"

#include <gtest/gtest.h>

#include "broker/handlers/config_entries.h"

namespace penstock::broker {
namespace {

using Values = std::map<std::string, std::string>;

TEST(BrokerConfig, WhatIsSetForThisBrokerWinsOverWhatIsSetForAll) {
  const auto config =
      make_broker_config({}, Values{{"log.retention.ms", "1"}, {"log.roll.ms", "2"}},
                         Values{{"log.retention.ms", "3"}});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->topic_defaults.log.retention_ms, 3);
  EXPECT_EQ(config->topic_defaults.log.segment_ms, 2);
}
TEST(BrokerConfig, OnlyDefaultsOfTopicsCanChange) {
  EXPECT_TRUE(is_dynamic_setting("log.retention.ms"));
  EXPECT_TRUE(is_dynamic_setting("message.max.bytes"));
  for (const char* fixed :
       {"log.retention.hours", "num.partitions", "listeners", "log.preallocate", "no.such"}) {
    EXPECT_FALSE(is_dynamic_setting(fixed)) << fixed;
    const auto config = make_broker_config({}, {}, Values{{fixed, "1"}});
    ASSERT_FALSE(config) << fixed;
    EXPECT_EQ(config.error().text,
              std::string("Cannot update these configs dynamically: [") + fixed + "]");
  }
}
TEST(BrokerConfig, WrongValuesAreRefusedAlsoTogether) {
  EXPECT_EQ(make_broker_config({}, Values{{"log.retention.ms", "soon"}}, {}).error().text,
            "Invalid value soon for configuration log.retention.ms: Not a number of type LONG");
  EXPECT_FALSE(make_broker_config({}, Values{{"log.cleaner.min.compaction.lag.ms", "100"}},
                                  Values{{"log.cleaner.max.compaction.lag.ms", "5"}}));
}
TEST(BrokerConfig, EverySettingThatCanChangeIsDescribed) {
  const config::Definition keys(setting_keys());
  for (const TopicConfigDef& def : topic_config_defs()) {
    if (!is_dynamic_setting(def.broker_name)) continue;
    EXPECT_NE(keys.find(def.broker_name), nullptr) << def.broker_name;
  }
}

TEST(ConfigEntries, ValuesComeFromTheNearestSource) {
  Settings settings;
  settings.given = {{"log.retention.hours", "2"}, {"log.retention.minutes", "5"}};
  BrokerConfig config;
  config.cluster = {{"log.retention.ms", "1000"}};
  config.own = {{"log.retention.ms", "2000"}};
  const Synonyms values = broker_setting_values("log.retention.ms", settings, config);
  ASSERT_EQ(values.size(), 5U);
  EXPECT_EQ(values[0].value, "2000");
  EXPECT_EQ(values[0].source, 2);
  EXPECT_EQ(values[1].value, "1000");
  EXPECT_EQ(values[1].source, 3);
  EXPECT_EQ(values[2].name, "log.retention.minutes");
  EXPECT_EQ(values[2].source, 4);
  EXPECT_EQ(values[3].name, "log.retention.hours");
  EXPECT_EQ(values[4].source, 5);
}

}  // namespace
}  // namespace penstock::broker
