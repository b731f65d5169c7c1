#include "broker/coordinator/group_config.h"

#include <gtest/gtest.h>

#include "broker/coordinator/topic_regex.h"

namespace penstock::broker {
namespace {

std::string wrong(const GroupConfig& config, const GroupLimits& limits = {}) {
  return wrong_group_config(config, limits).value_or("");
}

TEST(GroupConfig, AValueBetweenTheBrokersLimitsIsGood) {
  EXPECT_EQ(wrong({}), "");
  EXPECT_EQ(wrong({{"consumer.session.timeout.ms", "45000"},
                   {"consumer.heartbeat.interval.ms", "15000"}}),
            "");
}
TEST(GroupConfig, WrongNamesAndNumbersAreRefusedInKafkasWords) {
  EXPECT_EQ(wrong({{"share.session.timeout.ms", "1"}}),
            "Unknown group config name: share.session.timeout.ms");
  for (const char* text : {"", "soon", "1s", "99999999999"}) {
    EXPECT_EQ(wrong({{"consumer.session.timeout.ms", text}}),
              std::string("Invalid value ") + text +
                  " for configuration consumer.session.timeout.ms: Not a number of type INT");
  }
  EXPECT_EQ(wrong({{"consumer.heartbeat.interval.ms", "0"}}),
            "Invalid value 0 for configuration consumer.heartbeat.interval.ms: Value must be at "
            "least 1");
}
TEST(GroupConfig, TheBrokersLimitsHold) {
  EXPECT_EQ(wrong({{"consumer.session.timeout.ms", "44999"}}),
            "consumer.session.timeout.ms must be greater than or equal to "
            "group.consumer.min.session.timeout.ms");
  EXPECT_EQ(wrong({{"consumer.heartbeat.interval.ms", "15001"}}),
            "consumer.heartbeat.interval.ms must be less than or equal to "
            "group.consumer.max.heartbeat.interval.ms");
}
TEST(GroupConfig, AnAssignmentIntervalMayBeNothing) {
  EXPECT_EQ(wrong({{"consumer.assignment.interval.ms", "0"}}), "");
  EXPECT_EQ(wrong({{"consumer.assignment.interval.ms", "-1"}}),
            "Invalid value -1 for configuration consumer.assignment.interval.ms: Value must be at "
            "least 0");
  EXPECT_EQ(wrong({{"consumer.assignment.interval.ms", "15001"}}),
            "consumer.assignment.interval.ms must be less than or equal to "
            "group.consumer.max.assignment.interval.ms");
  EXPECT_EQ(with_group_config({}, {{"consumer.assignment.interval.ms", "250"}})
                .consumer_assignment_interval_ms,
            250);
}
TEST(GroupConfig, AHeartbeatComesBeforeTheSessionEnds) {
  GroupLimits limits;
  limits.consumer_session_timeout_min_ms = 5'000;
  EXPECT_EQ(
      wrong({{"consumer.session.timeout.ms", "6000"}, {"consumer.heartbeat.interval.ms", "6000"}},
            limits),
      "consumer.session.timeout.ms must be greater than consumer.heartbeat.interval.ms");
}
TEST(GroupConfig, ItsValuesTakeThePlaceOfTheBrokers) {
  const GroupLimits limits = with_group_config({}, {{"consumer.session.timeout.ms", "50000"}});
  EXPECT_EQ(limits.consumer_session_timeout_ms, 50'000);
  EXPECT_EQ(limits.consumer_heartbeat_ms, 5'000);
}
TEST(GroupConfig, WhatTheBrokersLimitsExcludeByNowCountsAsTheNearestThatTheyAllow) {
  GroupLimits narrower;
  narrower.consumer_session_timeout_max_ms = 48'000;
  EXPECT_EQ(with_group_config(narrower, {{"consumer.session.timeout.ms", "50000"}})
                .consumer_session_timeout_ms,
            48'000);
}

TEST(NamePattern, MatchesWholeNames) {
  const auto pattern = NamePattern::compile("o.*r");
  ASSERT_TRUE(pattern);
  EXPECT_TRUE(pattern->matches("order"));
  EXPECT_FALSE(pattern->matches("orders"));
  EXPECT_FALSE(NamePattern::compile("("));
}

}  // namespace
}  // namespace penstock::broker
