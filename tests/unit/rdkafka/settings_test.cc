#include "framework/rdkafka/settings.h"

#include <gtest/gtest.h>

namespace penstock::rdkafka {
namespace {

std::string refused(Role role, const SettingMap& worker, const SettingMap& connector) {
  const auto settings = client_settings(role, worker, connector);
  return settings ? "accepted" : settings.error().text;
}

TEST(Settings, HouseSettingsKeepOrderAndNeverGiveUp) {
  const auto settings = client_settings(Role::kProducer, {}, {}).value();
  EXPECT_EQ(settings.values.at("partitioner"), "murmur2_random");
  EXPECT_EQ(settings.values.at("enable.idempotence"), "true");
  EXPECT_EQ(settings.values.at("acks"), "all");
  EXPECT_EQ(settings.values.at("message.timeout.ms"), "0");
  EXPECT_EQ(settings.values.at("queue.buffering.max.kbytes"), "16384");
}

TEST(Settings, TheConnectorOverridesThePrefixThatOverridesTheWorker) {
  const SettingMap worker{
      {"linger.ms", "1"}, {"producer.linger.ms", "2"}, {"consumer.client.id", "other"}};
  EXPECT_EQ(
      client_settings(Role::kProducer, {{"linger.ms", "1"}}, {}).value().values.at("linger.ms"),
      "1");
  EXPECT_EQ(client_settings(Role::kProducer, worker, {}).value().values.at("linger.ms"), "2");
  EXPECT_EQ(client_settings(Role::kProducer, worker, {{"producer.override.linger.ms", "3"}})
                .value()
                .values.at("linger.ms"),
            "3");
  EXPECT_EQ(client_settings(Role::kProducer, worker, {}).value().values.at("client.id"),
            "penstock");
}

TEST(Settings, JavaNamesAreTranslated) {
  const auto settings = client_settings(Role::kProducer, {},
                                        {{"producer.override.max.request.size", "2097152"},
                                         {"producer.override.buffer.memory", "1048576"}})
                            .value();
  EXPECT_EQ(settings.values.at("message.max.bytes"), "2097152");
  EXPECT_EQ(settings.values.at("queue.buffering.max.kbytes"), "1024");
}

TEST(Settings, AssignorClassesAreTranslated) {
  const auto settings = client_settings(Role::kConsumer,
                                        {{"consumer.partition.assignment.strategy",
                                          "org.apache.kafka.clients.consumer.RoundRobinAssignor"}},
                                        {})
                            .value();
  EXPECT_EQ(settings.values.at("partition.assignment.strategy"), "roundrobin");
}

TEST(Settings, InitialOffsetIsTakenOutBecauseOffsetsAreNeverReset) {
  const auto settings =
      client_settings(Role::kConsumer, {}, {{"consumer.override.auto.offset.reset", "latest"}})
          .value();
  EXPECT_EQ(settings.initial_offset, "latest");
  EXPECT_EQ(settings.values.at("auto.offset.reset"), "error");
}

TEST(Settings, UnknownSettingIsRefusedByItsGivenName) {
  EXPECT_EQ(refused(Role::kProducer, {}, {{"producer.override.flux.capacity", "1"}}),
            "producer.override.flux.capacity: unknown setting; neither librdkafka nor Kafka's "
            "clients have it in a form that works here");
}

TEST(Settings, SettingWithoutCounterpartSaysWhatToUse) {
  EXPECT_EQ(refused(Role::kConsumer, {{"ssl.truststore.location", "/x.jks"}}, {}),
            "ssl.truststore.location: not available here: use ssl.ca.location, a PEM file");
}

TEST(Settings, AutomaticCommitIsRefused) {
  EXPECT_EQ(refused(Role::kConsumer, {}, {{"consumer.override.enable.auto.commit", "true"}}),
            "consumer.override.enable.auto.commit: must be false: offsets are committed once the "
            "sink has flushed");
}

TEST(Settings, WrongValueNamesTheSetting) {
  EXPECT_NE(
      refused(Role::kProducer, {{"producer.linger.ms", "soon"}}, {}).find("producer.linger.ms: "),
      std::string::npos);
}

}  // namespace
}  // namespace penstock::rdkafka
