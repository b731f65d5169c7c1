#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <chrono>

#include "framework/rdkafka/admin.h"
#include "framework/rdkafka/consumer.h"
#include "framework/rdkafka/producer.h"

namespace penstock::rdkafka {
namespace {

using std::chrono::steady_clock;
constexpr auto kDeadline = std::chrono::seconds(20);

struct Deliveries final : DeliveryListener {
  void delivered(const Delivery& delivery) override {
    ++count;
    if (!delivery.ok) errors.emplace_back(delivery.error);
    fatal = fatal || delivery.fatal;
    last_opaque = delivery.opaque;
  }
  int count = 0;
  bool fatal = false;
  void* last_opaque = nullptr;
  std::vector<std::string> errors;
};

struct Rebalances final : RebalanceListener {
  void assigned(std::vector<PartitionOffset>& partitions) override {
    if (resume_at) {
      for (auto& partition : partitions) partition.offset = *resume_at;
    }
    now = partitions;
  }
  void revoked(const std::vector<PartitionOffset>&, bool) override { now.clear(); }
  void failed(const Error& error) override { errors.push_back(error.text); }
  std::optional<std::int64_t> resume_at;
  std::vector<PartitionOffset> now;
  std::vector<std::string> errors;
};

/// librdkafka's own in-process broker.
class Clients : public testing::Test {
 protected:
  Clients() {
    char text[256];
    host_ = rd_kafka_new(RD_KAFKA_PRODUCER, nullptr, text, sizeof text);
    cluster_ = rd_kafka_mock_cluster_new(host_, 1);
    rd_kafka_mock_topic_create(cluster_, "t", 1, 1);
    bootstrap_ = rd_kafka_mock_cluster_bootstraps(cluster_);
  }
  ~Clients() override {
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(host_);
  }
  [[nodiscard]] ClientSettings settings(Role role) const {
    auto made = client_settings(role, {{"bootstrap.servers", bootstrap_}}, {}).value();
    if (role == Role::kConsumer) {
      made.values["group.id"] = "g";
      made.values["session.timeout.ms"] = "6000";
    }
    return made;
  }
  void produce(int count) {
    auto producer = Producer::open(settings(Role::kProducer), deliveries_).value();
    for (int i = 0; i < count; ++i) values_.push_back("v" + std::to_string(i));
    for (auto& value : values_) {
      Outgoing record;
      record.topic = "t";
      record.key = "k";
      record.value = value;
      record.opaque = &value;
      ASSERT_TRUE(producer->produce(record));
    }
    const auto deadline = steady_clock::now() + kDeadline;
    while (producer->queued() > 0 && steady_clock::now() < deadline) producer->poll(50);
    ASSERT_EQ(producer->queued(), 0);
  }
  /// Records and ends until `done`.
  template <class F>
  void consume_until(Consumer& consumer, MessageBatch& batch, F done) {
    const auto deadline = steady_clock::now() + kDeadline;
    while (!done() && steady_clock::now() < deadline) consumer.consume(batch, 100, 100, 5);
  }

  rd_kafka_t* host_ = nullptr;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
  std::string bootstrap_;
  std::vector<std::string> values_;
  Deliveries deliveries_;
  Rebalances rebalances_;
};

bool has(const MessageBatch& batch, MessageBatch::Kind kind) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (batch.view(i).kind == kind) return true;
  }
  return false;
}

TEST_F(Clients, EveryRecordIsReportedOnceWithItsOpaque) {
  produce(50);
  EXPECT_EQ(deliveries_.count, 50);
  EXPECT_TRUE(deliveries_.errors.empty());
  EXPECT_EQ(deliveries_.last_opaque, &values_.back());
}

TEST_F(Clients, HeadersAndTimestampsArriveUnchanged) {
  auto producer = Producer::open(settings(Role::kProducer), deliveries_).value();
  const HeaderView headers[] = {{"a", "1"}, {"empty", ""}, {"null", std::nullopt}};
  Outgoing record;
  record.topic = "t";
  record.value = std::string_view("x");
  record.timestamp_ms = 1234567890123;
  record.headers = headers;
  ASSERT_TRUE(producer->produce(record));
  const auto deadline = steady_clock::now() + kDeadline;
  while (deliveries_.count == 0 && steady_clock::now() < deadline) producer->poll(50);

  auto consumer = Consumer::open(settings(Role::kConsumer), rebalances_).value();
  ASSERT_TRUE(consumer->subscribe({"t"}));
  MessageBatch batch;
  consume_until(*consumer, batch, [&] { return has(batch, MessageBatch::Kind::kRecord); });
  ASSERT_TRUE(has(batch, MessageBatch::Kind::kRecord));
  const auto view = batch.view(0);
  EXPECT_EQ(view.timestamp_ms, 1234567890123);
  EXPECT_FALSE(view.key.has_value());
  std::vector<HeaderView> got;
  batch.headers(0, got);
  ASSERT_EQ(got.size(), 3U);
  EXPECT_EQ(got[0].value, "1");
  EXPECT_EQ(got[1].value, "");
  EXPECT_FALSE(got[2].value.has_value());
}

TEST_F(Clients, ReadsFromTheBeginningToTheEndAndStoresWhatItIsTold) {
  produce(10);
  {
    auto consumer = Consumer::open(settings(Role::kConsumer), rebalances_).value();
    ASSERT_TRUE(consumer->subscribe({"t"}));
    MessageBatch batch;
    consume_until(*consumer, batch, [&] { return has(batch, MessageBatch::Kind::kEnd); });
    ASSERT_EQ(batch.size(), 11U);
    EXPECT_EQ(batch.view(10).offset, 10);
    ASSERT_TRUE(consumer->commit({{"t", 0, 7}}, 10'000));
  }
  auto again = Consumer::open(settings(Role::kConsumer), rebalances_).value();
  ASSERT_TRUE(again->subscribe({"t"}));
  MessageBatch batch;
  consume_until(*again, batch, [&] { return batch.size() > 0; });
  ASSERT_GT(batch.size(), 0U);
  EXPECT_EQ(batch.view(0).offset, 7);
}

TEST_F(Clients, TheListenerChoosesWhereToBegin) {
  produce(10);
  rebalances_.resume_at = 4;
  auto consumer = Consumer::open(settings(Role::kConsumer), rebalances_).value();
  ASSERT_TRUE(consumer->subscribe({"t"}));
  MessageBatch batch;
  consume_until(*consumer, batch, [&] { return batch.size() > 0; });
  ASSERT_GT(batch.size(), 0U);
  EXPECT_EQ(batch.view(0).offset, 4);
}

TEST_F(Clients, OffsetBeyondTheEndIsAnErrorAndNotAReset) {
  produce(10);
  rebalances_.resume_at = 4711;
  auto consumer = Consumer::open(settings(Role::kConsumer), rebalances_).value();
  ASSERT_TRUE(consumer->subscribe({"t"}));
  MessageBatch batch;
  consume_until(*consumer, batch, [&] { return batch.size() > 0; });
  ASSERT_GT(batch.size(), 0U);
  EXPECT_EQ(batch.view(0).kind, MessageBatch::Kind::kOutOfRange);
}

// librdkafka itself waits as long as a session lasts, for both.
TEST_F(Clients, WithoutACoordinatorStoringAndLeavingComeToAnEnd) {
  produce(1);
  auto longer = settings(Role::kConsumer);
  longer.values["session.timeout.ms"] = "300000";
  longer.values["max.poll.interval.ms"] = "300000";
  auto consumer = Consumer::open(longer, rebalances_).value();
  ASSERT_TRUE(consumer->subscribe({"t"}));
  MessageBatch batch;
  consume_until(*consumer, batch, [&] { return has(batch, MessageBatch::Kind::kRecord); });
  ASSERT_TRUE(has(batch, MessageBatch::Kind::kRecord));
  rd_kafka_mock_broker_set_down(cluster_, 1);
  const auto stored = consumer->commit({{"t", 0, 1}}, 300);
  ASSERT_FALSE(stored);
  EXPECT_EQ(stored.error().code, Errc::kUnavailable);
  batch.clear();
  const auto began = steady_clock::now();
  consumer.reset();
  EXPECT_LT(steady_clock::now() - began, kDeadline);
}

TEST_F(Clients, RecordLongerThanTheLimitIsRefusedAtOnce) {
  auto producer = Producer::open(settings(Role::kProducer), deliveries_).value();
  const std::string value(2 << 20, 'x');
  Outgoing record;
  record.topic = "t";
  record.value = value;
  const auto produced = producer->produce(record);
  ASSERT_FALSE(produced);
  EXPECT_EQ(produced.error().code, Errc::kTooLarge);
}

TEST_F(Clients, FullQueueIsBusyAndNotLost) {
  auto small = settings(Role::kProducer);
  small.values["queue.buffering.max.messages"] = "5";
  auto producer = Producer::open(small, deliveries_).value();
  Outgoing record;
  record.topic = "t";
  record.value = std::string_view("x");
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(producer->produce(record));
  EXPECT_EQ(producer->produce(record).error().code, Errc::kBusy);
}

}  // namespace
}  // namespace penstock::rdkafka
