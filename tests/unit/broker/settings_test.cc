#include "broker/settings.h"

#include <gtest/gtest.h>

namespace penstock::broker {
namespace {

Settings load(const std::vector<std::string>& overrides) {
  auto settings = load_settings("", overrides);
  EXPECT_TRUE(settings) << settings.error().text;
  return settings ? *settings : Settings();
}
std::string problems(const std::vector<std::string>& overrides) {
  const auto settings = load_settings("", overrides);
  return settings ? "" : settings.error().text;
}

TEST(Settings, NothingAtAllGivesLoopback) {
  const Settings settings = load({});
  EXPECT_EQ(settings.listener.host, "127.0.0.1");
  EXPECT_EQ(settings.listener.port, 9092);
  EXPECT_EQ(settings.log_dir, "penstock-data");
  EXPECT_EQ(settings.node_id, BrokerId(1));
  EXPECT_EQ(settings.topic_defaults.log.retention_ms, 7LL * 24 * 3600 * 1000);
}
TEST(Settings, FinerUnitsWinOverCoarserOnes) {
  EXPECT_EQ(load({"log.retention.hours=2"}).topic_defaults.log.retention_ms, 7'200'000);
  EXPECT_EQ(
      load({"log.retention.hours=2", "log.retention.minutes=3"}).topic_defaults.log.retention_ms,
      180'000);
  EXPECT_EQ(load({"log.retention.hours=2", "log.retention.minutes=3", "log.retention.ms=4"})
                .topic_defaults.log.retention_ms,
            4);
  EXPECT_EQ(load({"log.retention.hours=-1"}).topic_defaults.log.retention_ms, -1);
  EXPECT_EQ(load({"log.roll.hours=1", "log.roll.ms=7"}).topic_defaults.log.segment_ms, 7);
}
TEST(Settings, NewNamesWinOverOldOnes) {
  EXPECT_EQ(load({"broker.id=3"}).node_id, BrokerId(3));
  EXPECT_EQ(load({"broker.id=3", "node.id=4"}).node_id, BrokerId(4));
  EXPECT_EQ(load({"log.dir=/a", "log.dirs=/b"}).log_dir, "/b");
}
TEST(Settings, ListenersAreReadWithNamesAndBrackets) {
  EXPECT_EQ(load({"listeners=PLAINTEXT://:9093"}).listener.host, "");
  EXPECT_EQ(load({"listeners=PLAINTEXT://[::1]:9093"}).listener.host, "::1");
  EXPECT_EQ(load({"advertised.listeners=PLAINTEXT://example.org:19092"}).advertised.host,
            "example.org");
}
TEST(Settings, WhatIsNotSupportedIsSaid) {
  EXPECT_NE(problems({"listeners=SASL_SSL://:1"}).find("only PLAINTEXT"), std::string::npos);
  EXPECT_NE(problems({"listeners=PLAINTEXT://a:1,PLAINTEXT://b:2"}).find("only one listener"),
            std::string::npos);
  EXPECT_NE(problems({"listeners=PLAINTEXT://a:70000"}).find("port"), std::string::npos);
  EXPECT_NE(problems({"log.dirs=/a,/b"}).find("only one data directory"), std::string::npos);
}
TEST(Settings, AllProblemsComeAtOnce) {
  const std::string all =
      problems({"num.partitions=0", "no equals", "penstock.flush=maybe", "what.is.this=1"});
  for (const char* name : {"num.partitions", "no equals", "penstock.flush", "what.is.this"}) {
    EXPECT_NE(all.find(name), std::string::npos) << name << " in " << all;
  }
}

TEST(AdvertisedEndpoint, AllAddressesHaveAName) {
  Settings settings;
  for (const char* all : {"0.0.0.0", "::", ""}) {
    settings.listener = {all, 0};
    EXPECT_EQ(to_string(advertised_endpoint(settings, 1234)), "localhost:1234") << all;
  }
}

TEST(AdvertisedEndpoint, AnIpv6AddressIsWrittenInBrackets) {
  Settings settings;
  settings.listener = {"::1", 0};
  EXPECT_EQ(advertised_endpoint(settings, 1234).host, "::1");
  EXPECT_EQ(to_string(advertised_endpoint(settings, 1234)), "[::1]:1234");
}

}  // namespace
}  // namespace penstock::broker
