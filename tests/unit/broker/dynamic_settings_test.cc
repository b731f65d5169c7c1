#include "broker/broker_config.h"
#include "tests/support/broker_process.h"
#include "tests/unit/broker/broker_in_process.h"

namespace penstock::broker {
namespace {

using penstock::testing::TempDirectory;
using protocol::ErrorCode;
using Changes = std::map<std::string, std::optional<std::string>>;

std::optional<ApiError> alter(BrokerInProcess& broker, bool own, Changes changes,
                              bool validate_only = false) {
  return BrokerInProcess::ask<std::optional<ApiError>>([&](auto done) {
    broker->topic_admin().alter_broker(own, std::move(changes), validate_only, std::move(done));
  });
}
std::int64_t retention_ms(BrokerInProcess& broker, const std::string& topic) {
  const PartitionRef handle = broker.partition(topic);
  return broker.on_shard([&] { return handle->partition->log().config().retention_ms; });
}

TEST(DynamicSettings, ReachOpenPartitionsAndNewTopicsAtOnce) {
  const TempDirectory directory;
  BrokerInProcess broker(directory.path());
  broker.open();
  ASSERT_TRUE(broker.create("before"));
  EXPECT_FALSE(alter(broker, false, {{"log.retention.ms", "1000000"}}));
  EXPECT_EQ(retention_ms(broker, "before"), 1'000'000);
  EXPECT_FALSE(alter(broker, true, {{"log.retention.ms", "2000000"}}));
  ASSERT_TRUE(broker.create("after"));
  EXPECT_EQ(retention_ms(broker, "before"), 2'000'000);
  EXPECT_EQ(retention_ms(broker, "after"), 2'000'000);
  EXPECT_FALSE(alter(broker, true, {{"log.retention.ms", std::nullopt}}));
  EXPECT_EQ(retention_ms(broker, "after"), 1'000'000);
}
TEST(DynamicSettings, OutliveTheBroker) {
  const TempDirectory directory;
  {
    BrokerInProcess broker(directory.path());
    broker.open();
    ASSERT_TRUE(broker.create("t"));
    EXPECT_FALSE(alter(broker, false, {{"log.retention.ms", "1000000"}}));
  }
  BrokerInProcess broker(directory.path());
  broker.open();
  EXPECT_EQ(retention_ms(broker, "t"), 1'000'000);
}
TEST(DynamicSettings, AreOnlyJudgedWhenThatIsAsked) {
  const TempDirectory directory;
  BrokerInProcess broker(directory.path());
  broker.open();
  ASSERT_TRUE(broker.create("t"));
  EXPECT_FALSE(alter(broker, true, {{"log.retention.ms", "1000000"}}, true));
  EXPECT_EQ(retention_ms(broker, "t"), 604'800'000);
}
TEST(DynamicSettings, AreRefusedWhenATopicWouldNotAgree) {
  const TempDirectory directory;
  BrokerInProcess broker(directory.path());
  broker.open();
  const auto created = BrokerInProcess::ask<BrokerInProcess::Answer>([&](auto done) {
    NewTopic topic;
    topic.name = "t";
    topic.overrides = {{"max.compaction.lag.ms", "5"}};
    broker->topic_admin().create_topic(std::move(topic), std::move(done));
  });
  ASSERT_TRUE(created);
  const auto refused = alter(broker, true, {{"log.cleaner.min.compaction.lag.ms", "10"}});
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, ErrorCode::kInvalidRequest);
  EXPECT_TRUE(refused->text.starts_with("Topic t would not agree: ")) << refused->text;
}
TEST(DynamicSettings, ThoseOfTheStartStayAsTheyAre) {
  const TempDirectory directory;
  BrokerInProcess broker(directory.path());
  broker.open();
  for (const char* name : {"num.partitions", "log.retention.hours", "what.is.this"}) {
    const auto refused = alter(broker, true, {{name, "3"}});
    ASSERT_TRUE(refused) << name;
    EXPECT_EQ(refused->code, ErrorCode::kInvalidRequest);
  }
}

std::optional<ApiError> alter_group(BrokerInProcess& broker, const std::string& group,
                                    Changes changes, bool validate_only = false) {
  return BrokerInProcess::ask<std::optional<ApiError>>([&](auto done) {
    broker->topic_admin().alter_group(group, std::move(changes), validate_only, std::move(done));
  });
}
using GroupConfigs = std::map<std::string, GroupConfig, std::less<>>;
GroupConfigs groups(BrokerInProcess& broker) {
  return broker.on_shard([&] { return broker->shard(0).topics()->broker_config().groups; });
}

TEST(GroupSettings, OutliveTheBroker) {
  const TempDirectory directory;
  const std::string odd = "a \"group\"\n";
  {
    BrokerInProcess broker(directory.path());
    broker.open();
    EXPECT_FALSE(alter_group(broker, odd, {{"consumer.session.timeout.ms", "50000"}}));
    EXPECT_FALSE(alter(broker, false, {{"log.retention.ms", "1000000"}}));
    EXPECT_EQ(groups(broker).size(), 1U) << "settings of the broker leave those of groups alone";
  }
  BrokerInProcess broker(directory.path());
  broker.open();
  EXPECT_EQ(groups(broker), (GroupConfigs{{odd, {{"consumer.session.timeout.ms", "50000"}}}}));
  EXPECT_FALSE(alter_group(broker, odd, {{"consumer.session.timeout.ms", std::nullopt}}));
  EXPECT_TRUE(groups(broker).empty());
}
TEST(GroupSettings, AreRefusedWithoutATrace) {
  const TempDirectory directory;
  BrokerInProcess broker(directory.path());
  broker.open();
  const auto refused = alter_group(broker, "g", {{"consumer.session.timeout.ms", "1"}});
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, ErrorCode::kInvalidConfig);
  EXPECT_FALSE(alter_group(broker, "g", {{"consumer.session.timeout.ms", "50000"}}, true));
  EXPECT_TRUE(groups(broker).empty());
}

}  // namespace
}  // namespace penstock::broker
