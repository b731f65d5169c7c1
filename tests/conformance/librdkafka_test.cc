#include <gtest/gtest.h>

#include "rdkafka_client.h"
#include "tests/support/broker_process.h"

namespace penstock::testing {
namespace {

std::string noise(std::size_t size, unsigned seed) {
  std::string out(size, ' ');
  std::uint32_t state = seed * 2654435761U + 1;
  for (char& c : out) {
    state = state * 1664525U + 1013904223U;
    c = static_cast<char>(state >> 24);
  }
  return out;
}

std::vector<ClientRecord> sample(const std::string& tag, int count) {
  std::vector<ClientRecord> out;
  for (int i = 0; i < count; ++i) {
    ClientRecord record;
    if (i % 3 != 0) record.key = "key-" + std::to_string(i);
    if (i % 5 != 4) record.value = tag + std::string(static_cast<std::size_t>(i % 40), 'v');
    if (i % 7 == 0) record.value = "";
    record.timestamp_ms = 1'700'000'000'000 + i;
    if (i % 2 == 0)
      record.headers = {{"trace", std::to_string(i)}, {"none", std::nullopt}, {"trace", "again"}};
    out.push_back(std::move(record));
  }
  return out;
}

void expect_same(std::vector<ClientRecord> read, const std::vector<ClientRecord>& sent) {
  ASSERT_EQ(read.size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(read[i].offset, static_cast<std::int64_t>(i));
    read[i].offset = -1;
    EXPECT_EQ(read[i], sent[i]) << i;
  }
}

class Codec : public ::testing::TestWithParam<const char*> {};

TEST_P(Codec, RecordsComeBackAsTheyWereSent) {
  const TempDirectory directory;
  const BrokerProcess broker(directory.path() + "/data");
  const auto sent = sample("value ", 300);
  Producer producer(broker.address(), {{"compression.codec", GetParam()}, {"linger.ms", "20"}});
  for (const ClientRecord& record : sent) producer.send("records", 0, record);
  ASSERT_EQ(producer.flush(), 0) << producer.last_error();
  expect_same(read_all(broker.address(), "records", 0), sent);
}
INSTANTIATE_TEST_SUITE_P(All, Codec, ::testing::Values("none", "gzip", "snappy", "lz4", "zstd"),
                         [](const auto& parameter) { return std::string(parameter.param); });

TEST(Librdkafka, TenMegabyteRecordsPassWhenTheLimitIsRaised) {
  const TempDirectory directory;
  const BrokerProcess broker(directory.path() + "/data", {"message.max.bytes=12000000"});
  const std::string big = noise(10 << 20, 3);
  Producer producer(broker.address(), {{"message.max.bytes", "12000000"}});
  ClientRecord record;
  record.timestamp_ms = 1'700'000'000'000;
  record.value = big;
  for (int i = 0; i < 3; ++i) producer.send("big", 0, record);
  ASSERT_EQ(producer.flush(), 0) << producer.last_error();
  const auto read = read_all(broker.address(), "big", 0);
  ASSERT_EQ(read.size(), 3U);
  for (const ClientRecord& one : read) EXPECT_TRUE(one.value == big);
}

TEST(Librdkafka, ARecordOverTheLimitIsRefusedByName) {
  const TempDirectory directory;
  const BrokerProcess broker(directory.path() + "/data");
  Producer producer(broker.address(), {{"message.max.bytes", "12000000"}});
  ClientRecord record;
  record.value = noise(2 << 20, 5);
  producer.send("small", 0, record);
  EXPECT_EQ(producer.flush(), 1);
  EXPECT_EQ(producer.last_error(), "MSG_SIZE_TOO_LARGE");
}

TEST(Librdkafka, AnIdempotentProducerWritesEachRecordOnceInOrder) {
  const TempDirectory directory;
  const BrokerProcess broker(directory.path() + "/data", {"num.partitions=3"});
  Producer producer(
      broker.address(),
      {{"enable.idempotence", "true"}, {"batch.num.messages", "7"}, {"linger.ms", "0"}});
  for (int i = 0; i < 3000; ++i) {
    ClientRecord record;
    record.value = std::to_string(i);
    producer.send("once", i % 3, record);
  }
  ASSERT_EQ(producer.flush(), 0) << producer.last_error();
  for (int partition = 0; partition < 3; ++partition) {
    const auto read = read_all(broker.address(), "once", partition);
    ASSERT_EQ(read.size(), 1000U);
    for (std::size_t i = 0; i < read.size(); ++i)
      EXPECT_EQ(read[i].value, std::to_string(i * 3 + static_cast<std::size_t>(partition)));
  }
}

TEST(Librdkafka, ARestartKeepsRecordsAndProducersGoOn) {
  const TempDirectory directory;
  const std::string data = directory.path() + "/data";
  const auto sent = sample("kept ", 100);
  {
    BrokerProcess broker(data);
    Producer producer(broker.address());
    for (const ClientRecord& record : sent) producer.send("kept", 0, record);
    ASSERT_EQ(producer.flush(), 0);
    ASSERT_TRUE(broker.stop().success()) << broker.errors();
  }
  const BrokerProcess broker(data);
  expect_same(read_all(broker.address(), "kept", 0), sent);
}

TEST(Librdkafka, AKilledBrokerKeepsWhatItAcknowledged) {
  const TempDirectory directory;
  const std::string data = directory.path() + "/data";
  std::int64_t acknowledged = 0;
  {
    BrokerProcess broker(data);
    Producer producer(broker.address(), {{"linger.ms", "1"}, {"enable.idempotence", "true"}});
    for (int i = 0; producer.delivered() < 2000; ++i) {
      ClientRecord record;
      record.value = std::to_string(i);
      producer.send("kept", 0, record);
      if (i % 50 == 0) producer.poll(1);
    }
    acknowledged = producer.delivered();
    broker.kill();
  }
  const BrokerProcess broker(data);
  const auto read = read_all(broker.address(), "kept", 0);
  ASSERT_GE(static_cast<std::int64_t>(read.size()), acknowledged);
  for (std::size_t i = 0; i < read.size(); ++i) EXPECT_EQ(read[i].value, std::to_string(i));
}

TEST(Librdkafka, FlushAckAnswersAndKeepsRecords) {
  const TempDirectory directory;
  const BrokerProcess broker(directory.path() + "/data", {"penstock.flush=ack"});
  const auto sent = sample("synced ", 200);
  Producer producer(broker.address(), {{"batch.num.messages", "10"}});
  for (const ClientRecord& record : sent) producer.send("synced", 0, record);
  ASSERT_EQ(producer.flush(), 0) << producer.last_error();
  expect_same(read_all(broker.address(), "synced", 0), sent);
}

TEST(Librdkafka, TimestampsFindOffsets) {
  const TempDirectory directory;
  const BrokerProcess broker(directory.path() + "/data");
  Producer producer(broker.address(), {{"batch.num.messages", "10"}});
  for (const ClientRecord& record : sample("timed ", 100)) producer.send("timed", 0, record);
  ASSERT_EQ(producer.flush(), 0);
  EXPECT_EQ(offset_for_time(broker.address(), "timed", 0, 1'700'000'000'037), 37);
  EXPECT_EQ(offset_for_time(broker.address(), "timed", 0, 1), 0);
  EXPECT_EQ(offset_for_time(broker.address(), "timed", 0, 1'800'000'000'000), RD_KAFKA_OFFSET_END);
}

TEST(Librdkafka, LogAppendTimeIsTheBrokersClock) {
  const TempDirectory directory;
  const BrokerProcess broker(directory.path() + "/data",
                             {"log.message.timestamp.type=LogAppendTime"});
  Producer producer(broker.address(), {{"compression.codec", "lz4"}});
  for (const ClientRecord& record : sample("now ", 20)) producer.send("now", 0, record);
  ASSERT_EQ(producer.flush(), 0);
  const auto read =
      read_all(broker.address(), "now", 0, RD_KAFKA_OFFSET_BEGINNING, {{"check.crcs", "true"}});
  ASSERT_EQ(read.size(), 20U);
  EXPECT_GT(read.front().timestamp_ms, 1'700'000'001'000);
}

TEST(Librdkafka, ACompactedTopicRefusesRecordsWithoutKey) {
  const TempDirectory directory;
  const BrokerProcess broker(directory.path() + "/data", {"log.cleanup.policy=compact"});
  Producer producer(broker.address());
  ClientRecord record;
  record.value = "no key";
  producer.send("compacted", 0, record);
  EXPECT_EQ(producer.flush(), 1);
  EXPECT_EQ(producer.last_error(), "INVALID_RECORD");
}

}  // namespace
}  // namespace penstock::testing
