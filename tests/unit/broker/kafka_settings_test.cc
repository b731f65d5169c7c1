#include "broker/kafka_settings.h"

#include <gtest/gtest.h>

#include "broker/settings.h"

namespace penstock::broker {
namespace {

std::string problems(const std::vector<std::string>& overrides) {
  const auto settings = load_settings("", overrides);
  return settings ? "" : settings.error().text;
}

TEST(KafkaSettings, TheFileThatKafkaShipsWithStarts) {
  const auto settings = load_settings(
      "", {"process.roles=broker,controller",
           "node.id=1",
           "controller.quorum.bootstrap.servers=localhost:9093",
           "listeners=PLAINTEXT://:9092,CONTROLLER://:9093",
           "inter.broker.listener.name=PLAINTEXT",
           "advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093",
           "controller.listener.names=CONTROLLER",
           "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,"
           "SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL",
           "num.network.threads=3",
           "num.io.threads=8",
           "socket.send.buffer.bytes=102400",
           "socket.receive.buffer.bytes=102400",
           "socket.request.max.bytes=104857600",
           "log.dirs=/tmp/kraft-combined-logs",
           "num.partitions=1",
           "num.recovery.threads.per.data.dir=1",
           "offsets.topic.replication.factor=1",
           "share.coordinator.state.topic.replication.factor=1",
           "share.coordinator.state.topic.min.isr=1",
           "transaction.state.log.replication.factor=1",
           "transaction.state.log.min.isr=1",
           "log.retention.hours=168",
           "log.segment.bytes=1073741824",
           "log.retention.check.interval.ms=300000"});
  ASSERT_TRUE(settings) << settings.error().text;
  EXPECT_EQ(settings->listener.port, 9092);
  EXPECT_EQ(settings->advertised.host, "localhost");
  EXPECT_GE(settings->notes.size(), 8U) << "what changes nothing is said";
  bool told = false;
  for (const std::string& note : settings->notes)
    told = told || note.starts_with("num.io.threads changes nothing: ");
  EXPECT_TRUE(told);
}
TEST(KafkaSettings, WhatSilenceWouldLieAboutIsAnError) {
  for (const char* wrong :
       {"authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "security.inter.broker.protocol=SSL", "process.roles=controller",
        "default.replication.factor=3", "remote.log.storage.system.enable=true",
        "create.topic.policy.class.name=com.example.Policy", "max.connection.creation.rate=10",
        "max.connections.per.ip.overrides=127.0.0.1:5",
        "transaction.partition.verification.enable=false", "quota.window.num=5",
        "transaction.two.phase.commit.enable=true", "group.coordinator.rebalance.protocols=classic",
        "log.retention.hours=0", "compression.zstd.level=9",
        "listener.name.external.ssl.client.auth=x", "listeners=SASL_SSL://:9092",
        "log.message.timestamp.difference.max.ms=1"}) {
    EXPECT_NE(problems({wrong}), "") << wrong;
  }
  EXPECT_EQ(problems({"default.replication.factor=3"}),
            "default.replication.factor cannot be honoured: there are no other brokers; only '1' "
            "is possible");
}
TEST(KafkaSettings, WhatSaysThatThereIsNoSuchThingIsFine) {
  EXPECT_EQ(problems({"authorizer.class.name=", "security.inter.broker.protocol=PLAINTEXT",
                      "remote.log.storage.system.enable=false", "ssl.keystore.type=JKS"}),
            "");
}
TEST(KafkaSettings, NamesThatKafkaDoesNotKnowEitherAreErrors) {
  for (const std::string name :
       {"num.oi.threads", "transaction.max.timout.ms", "group.consumer.sesion.timeout.ms",
        "replica.lag.time.max", "ssl.keystore.lokation"}) {
    EXPECT_NE(problems({name + "=8"}).find("Unknown configuration " + name), std::string::npos)
        << name;
  }
}
TEST(KafkaSettings, KafkasOwnDefaultsStart) {
  EXPECT_EQ(problems({"queued.max.request.bytes=-1", "connections.max.idle.ms=-1",
                      "log.cleaner.threads=4", "quota.window.num=11",
                      "transaction.partition.verification.enable=true", "log.retention.ms=-1",
                      "group.coordinator.rebalance.protocols=classic,consumer,streams"}),
            "");
  const auto settings = load_settings("", {"queued.max.request.bytes=-1", "broker.rack=r1"});
  EXPECT_GT(settings->queued_request_bytes_max, std::int64_t{1} << 60);
  EXPECT_EQ(settings->rack, "r1");
  EXPECT_EQ(load_settings("", {})->rack, std::nullopt);
}
TEST(KafkaSettings, ListenersMayHaveNamesOfTheirOwn) {
  const auto settings =
      load_settings("", {"listeners=BROKER://h:1,CTL://h:2", "controller.listener.names=CTL",
                         "listener.security.protocol.map=BROKER:PLAINTEXT,CTL:PLAINTEXT",
                         "advertised.listeners=CTL://h:2"});
  ASSERT_TRUE(settings) << settings.error().text;
  EXPECT_EQ(settings->listener.port, 1);
  EXPECT_EQ(settings->advertised.port, 0);
  EXPECT_NE(problems({"listeners=CTL://h:2", "controller.listener.names=CTL"}), "");
  EXPECT_NE(problems({"listeners=A://h:2", "listener.security.protocol.map=A:SASL_SSL"}), "");
}
TEST(KafkaSettings, TheLongestFamilyCounts) {
  EXPECT_EQ(find_kafka_setting("remote.log.storage.system.enable")->harmless, "false");
  EXPECT_EQ(find_kafka_setting("remote.log.reader.threads")->name, "remote.*");
  EXPECT_EQ(find_kafka_setting("compression.type"), nullptr) << "it is not only Kafka's";
  EXPECT_EQ(find_kafka_setting("nothing.like.it"), nullptr);
}

}  // namespace
}  // namespace penstock::broker
