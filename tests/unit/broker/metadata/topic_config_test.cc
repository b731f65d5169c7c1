#include "broker/metadata/topic_config.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace penstock::broker {
namespace {

TEST(TopicConfig, EachSettingTakesBackItsOwnDefault) {
  const TopicSettings defaults;
  for (const TopicConfigDef& def : topic_config_defs()) {
    TopicSettings settings;
    const Status set = def.set(settings, def.get(defaults));
    EXPECT_TRUE(set.has_value()) << def.name;
    EXPECT_EQ(def.get(settings), def.get(defaults)) << def.name;
    EXPECT_EQ(find_topic_config(def.name), &def);
    EXPECT_FALSE(def.doc.empty()) << def.name;
  }
}

TEST(TopicConfig, OverridesReachTheSettings) {
  const auto settings = with_overrides({}, {{"retention.ms", "-1"},
                                            {"cleanup.policy", "delete, compact"},
                                            {"segment.bytes", "1048576"},
                                            {"message.timestamp.type", "LogAppendTime"},
                                            {"flush.messages", "1"}});
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->log.retention_ms, -1);
  EXPECT_EQ(settings->log.cleanup_policy, log::CleanupPolicy::kCompactAndDelete);
  EXPECT_EQ(settings->log.segment_bytes, 1048576);
  EXPECT_EQ(settings->timestamp_type, record::TimestampType::kLogAppend);
  EXPECT_EQ(settings->flush, FlushMode::kAck);
}

TEST(TopicConfig, CodecsAreSetByName) {
  EXPECT_EQ(with_overrides({}, {{"compression.type", "producer"}})->compression, std::nullopt);
  EXPECT_EQ(with_overrides({}, {{"compression.type", "uncompressed"}})->compression,
            record::Codec::kNone);
  EXPECT_EQ(with_overrides({}, {{"compression.type", "zstd"}})->compression, record::Codec::kZstd);
}

TEST(TopicConfig, AnyNumberOfMessagesBelowTheLargestWaitsForTheDisk) {
  EXPECT_EQ(with_overrides({}, {{"flush.messages", "10000"}})->flush, FlushMode::kAck);
  EXPECT_EQ(with_overrides({}, {{"flush.messages", "9223372036854775807"}})->flush, FlushMode::kOs);
}

TEST(TopicConfig, WhatCannotBeHereIsTakenAtKafkasDefaultOnly) {
  EXPECT_TRUE(with_overrides({}, {{"local.retention.ms", "-2"}, {"compression.zstd.level", "3"}}));
  EXPECT_EQ(
      with_overrides({}, {{"local.retention.ms", "5"}}).error().text,
      "Invalid value 5 for configuration local.retention.ms: There is no tiered storage: only "
      "'-2' is possible");
}

TEST(TopicConfig, WrongValuesNameTheSettingAndTheReason) {
  const auto text = [](const char* name, const char* value) {
    const auto result = with_overrides({}, {{name, value}});
    return result ? std::string("accepted") : result.error().text;
  };
  EXPECT_EQ(text("no.such", "1"), "Unknown topic config name: no.such");
  EXPECT_EQ(text("retention.ms", "-2"),
            "Invalid value -2 for configuration retention.ms: Value must be at least -1");
  EXPECT_EQ(text("segment.bytes", "x"),
            "Invalid value x for configuration segment.bytes: Not a number of type INT");
  EXPECT_EQ(text("retention.ms", "1e3"),
            "Invalid value 1e3 for configuration retention.ms: Not a number of type LONG");
  EXPECT_EQ(text("retention.ms", ""),
            "Invalid value  for configuration retention.ms: Not a number of type LONG");
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"cleanup.policy", "shred"},
                                                        {"cleanup.policy", ""},
                                                        {"compression.type", "zip"},
                                                        {"compression.gzip.level", "6"},
                                                        {"flush.messages", "0"},
                                                        {"preallocate", "true"},
                                                        {"remote.storage.enable", "true"},
                                                        {"segment.bytes", "1048575"},
                                                        {"unclean.leader.election.enable", "yes"},
                                                        {"min.insync.replicas", "0"},
                                                        {"message.timestamp.type", "Now"},
                                                        {"segment.bytes", "99999999999"}}) {
    EXPECT_NE(text(name.c_str(), value.c_str()), "accepted") << name << "=" << value;
  }
}

}  // namespace
}  // namespace penstock::broker
