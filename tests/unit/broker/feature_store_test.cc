#include "broker/features.h"
#include "tests/support/broker_process.h"
#include "tests/unit/broker/broker_in_process.h"

namespace penstock::broker {
namespace {

using penstock::testing::TempDirectory;

void store(BrokerInProcess& broker, const std::string& value) {
  const Status stored = broker.on_control([&] {
    std::vector<std::pair<std::string, std::optional<std::string>>> values;
    values.emplace_back("features", value);
    return broker->topic_admin().store_values(std::move(values));
  });
  ASSERT_TRUE(stored);
}

TEST(FeatureStore, LevelsOutliveTheBroker) {
  const TempDirectory directory;
  const FeatureLevels lower{2, 1, 0};
  {
    BrokerInProcess broker(directory.path());
    broker.open();
    EXPECT_EQ(broker->features().levels(), FeatureLevels());
    ASSERT_TRUE(broker.on_control([&] { return store_features(*broker, lower); }));
    EXPECT_EQ(broker->features().levels(), lower);
  }
  BrokerInProcess again(directory.path());
  again.open();
  EXPECT_EQ(again->features().levels(), lower);
}
TEST(FeatureStore, ALevelOfANewerBrokerKeepsThisOneFromStarting) {
  const TempDirectory directory;
  {
    BrokerInProcess broker(directory.path());
    broker.open();
    store(broker, R"({"epoch":2,"transaction.version":3})");
  }
  BrokerInProcess again(directory.path());
  EXPECT_THROW(again.open(), std::runtime_error);
}

}  // namespace
}  // namespace penstock::broker
