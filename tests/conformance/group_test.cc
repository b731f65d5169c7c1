#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>

#include "tests/support/broker_process.h"

// Groups and topic administration as librdkafka, somebody else's client, sees them.
namespace penstock::testing {
namespace {

using Config = std::map<std::string, std::string>;

rd_kafka_conf_t* conf_of(const std::string& brokers, const Config& config) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char error[256];
  rd_kafka_conf_set(conf, "bootstrap.servers", brokers.c_str(), error, sizeof error);
  for (const auto& [key, value] : config) {
    EXPECT_EQ(rd_kafka_conf_set(conf, key.c_str(), value.c_str(), error, sizeof error),
              RD_KAFKA_CONF_OK)
        << error;
  }
  return conf;
}

/// A member of a group: what it was assigned, what it read.
class GroupMember {
 public:
  GroupMember(const std::string& brokers, const std::string& group, const std::string& topic,
              Config more = {}) {
    more.insert({{"group.id", group},
                 {"auto.offset.reset", "earliest"},
                 {"enable.auto.commit", "false"},
                 {"session.timeout.ms", "6000"},
                 {"heartbeat.interval.ms", "200"}});
    char error[256];
    client_.reset(rd_kafka_new(RD_KAFKA_CONSUMER, conf_of(brokers, more), error, sizeof error));
    rd_kafka_poll_set_consumer(client_.get());
    const auto topics = list();
    rd_kafka_topic_partition_list_add(topics.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
    EXPECT_EQ(rd_kafka_subscribe(client_.get(), topics.get()), RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  ~GroupMember() { leave(); }

  void poll() {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(client_.get(), 50);
    if (message == nullptr) return;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
      read.emplace(message->partition, message->offset);
    rd_kafka_message_destroy(message);
  }
  [[nodiscard]] std::set<std::int32_t> assigned() const {
    rd_kafka_topic_partition_list_t* raw = nullptr;
    rd_kafka_assignment(client_.get(), &raw);
    const std::unique_ptr<rd_kafka_topic_partition_list_t,
                          void (*)(rd_kafka_topic_partition_list_t*)>
        owned(raw, rd_kafka_topic_partition_list_destroy);
    std::set<std::int32_t> out;
    for (int i = 0; i < raw->cnt; ++i) out.insert(raw->elems[i].partition);
    return out;
  }
  [[nodiscard]] rd_kafka_resp_err_t commit() { return rd_kafka_commit(client_.get(), nullptr, 0); }
  void leave() {
    if (client_) rd_kafka_consumer_close(client_.get());
    client_.reset();
  }

  std::set<std::pair<std::int32_t, std::int64_t>> read;

 private:
  static std::unique_ptr<rd_kafka_topic_partition_list_t,
                         void (*)(rd_kafka_topic_partition_list_t*)>
  list() {
    return {rd_kafka_topic_partition_list_new(1), rd_kafka_topic_partition_list_destroy};
  }
  std::unique_ptr<rd_kafka_t, void (*)(rd_kafka_t*)> client_{nullptr, rd_kafka_destroy};
};

/// Polls the members until `done`, for at most 20 seconds.
::testing::AssertionResult poll_until(std::vector<GroupMember*> members,
                                      const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline)
      return ::testing::AssertionFailure() << "not within 20 s";
    for (GroupMember* member : members) member->poll();
  }
  return ::testing::AssertionSuccess();
}

/// Creates a topic; the error's name, or "".
std::string create_topic(const std::string& brokers, const std::string& name, int partitions,
                         int replicas = 1, const Config& settings = {}) {
  char error[256];
  const std::unique_ptr<rd_kafka_t, void (*)(rd_kafka_t*)> client(
      rd_kafka_new(RD_KAFKA_PRODUCER, conf_of(brokers, {}), error, sizeof error), rd_kafka_destroy);
  const std::unique_ptr<rd_kafka_queue_t, void (*)(rd_kafka_queue_t*)> queue(
      rd_kafka_queue_new(client.get()), rd_kafka_queue_destroy);
  rd_kafka_NewTopic_t* topic =
      rd_kafka_NewTopic_new(name.c_str(), partitions, replicas, error, sizeof error);
  for (const auto& [key, value] : settings)
    rd_kafka_NewTopic_set_config(topic, key.c_str(), value.c_str());
  rd_kafka_CreateTopics(client.get(), &topic, 1, nullptr, queue.get());
  rd_kafka_NewTopic_destroy(topic);
  const std::unique_ptr<rd_kafka_event_t, void (*)(rd_kafka_event_t*)> event(
      rd_kafka_queue_poll(queue.get(), 20'000), rd_kafka_event_destroy);
  if (!event || rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) return "no answer";
  std::size_t count = 0;
  const rd_kafka_topic_result_t** results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  const rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[0]);
  return code == RD_KAFKA_RESP_ERR_NO_ERROR ? "" : rd_kafka_err2name(code);
}

void produce(const std::string& brokers, const std::string& topic, int partition, int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += std::to_string(i) + "\n";
  const CommandResult done = run_command(
      {"kcat", "-P", "-b", brokers, "-t", topic, "-p", std::to_string(partition)}, lines);
  ASSERT_EQ(done.errors, "");
}

std::string listen_on(std::uint16_t port) {
  return "listeners=PLAINTEXT://127.0.0.1:" + std::to_string(port);
}

TEST(Groups, TwoMembersShareThePartitionsAndTheLastOneTakesAll) {
  const TempDirectory data;
  BrokerProcess broker(data.path());
  ASSERT_EQ(create_topic(broker.address(), "t", 4), "");
  GroupMember a(broker.address(), "g", "t");
  ASSERT_TRUE(poll_until({&a}, [&] { return a.assigned().size() == 4; }));
  GroupMember b(broker.address(), "g", "t");
  ASSERT_TRUE(
      poll_until({&a, &b}, [&] { return a.assigned().size() == 2 && b.assigned().size() == 2; }));
  b.leave();
  ASSERT_TRUE(poll_until({&a}, [&] { return a.assigned().size() == 4; }));
}

TEST(Groups, CommittedOffsetsSurviveAKill) {
  const TempDirectory data;
  auto broker = std::make_unique<BrokerProcess>(data.path());
  ASSERT_EQ(create_topic(broker->address(), "t", 1), "");
  produce(broker->address(), "t", 0, 100);
  {
    GroupMember a(broker->address(), "g", "t");
    ASSERT_TRUE(poll_until({&a}, [&] { return a.read.size() == 100; }));
    ASSERT_EQ(a.commit(), RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  broker->kill();
  broker = std::make_unique<BrokerProcess>(data.path());
  produce(broker->address(), "t", 0, 1);
  GroupMember b(broker->address(), "g", "t");
  ASSERT_TRUE(poll_until({&b}, [&] { return !b.read.empty(); }));
  EXPECT_EQ(b.read.begin()->second, 100);
}

TEST(Groups, ALiveMemberGoesOnAfterTheBrokerWasKilled) {
  const TempDirectory data;
  auto broker = std::make_unique<BrokerProcess>(data.path());
  const std::string again = listen_on(broker->port());
  ASSERT_EQ(create_topic(broker->address(), "t", 1), "");
  GroupMember a(broker->address(), "g", "t");
  ASSERT_TRUE(poll_until({&a}, [&] { return a.assigned().size() == 1; }));
  broker->kill();
  broker = std::make_unique<BrokerProcess>(data.path(), std::vector<std::string>{again});
  produce(broker->address(), "t", 0, 10);
  ASSERT_TRUE(poll_until({&a}, [&] { return a.read.size() == 10; }));
  EXPECT_EQ(a.commit(), RD_KAFKA_RESP_ERR_NO_ERROR);
}

TEST(Groups, AStaticMemberComesBackToItsPartitionsWithoutARebalance) {
  const TempDirectory data;
  BrokerProcess broker(data.path());
  ASSERT_EQ(create_topic(broker.address(), "t", 4), "");
  auto one = std::make_unique<GroupMember>(broker.address(), "g", "t",
                                           Config{{"group.instance.id", "one"}});
  GroupMember two(broker.address(), "g", "t", Config{{"group.instance.id", "two"}});
  ASSERT_TRUE(poll_until({one.get(), &two}, [&] {
    return one->assigned().size() == 2 && two.assigned().size() == 2;
  }));
  const auto before = one->assigned();
  const auto others = two.assigned();
  one.reset();
  one = std::make_unique<GroupMember>(broker.address(), "g", "t",
                                      Config{{"group.instance.id", "one"}});
  ASSERT_TRUE(poll_until({one.get(), &two}, [&] { return one->assigned().size() == 2; }));
  EXPECT_EQ(one->assigned(), before);
  EXPECT_EQ(two.assigned(), others);
}

TEST(Topics, AnAnsweredCreationSurvivesAKill) {
  const TempDirectory data;
  auto broker = std::make_unique<BrokerProcess>(data.path());
  ASSERT_EQ(create_topic(broker->address(), "t", 3, 1, {{"retention.ms", "12345"}}), "");
  broker->kill();
  broker = std::make_unique<BrokerProcess>(data.path());
  const CommandResult listing = run_command({"kcat", "-L", "-b", broker->address(), "-t", "t"});
  EXPECT_NE(listing.output.find("topic \"t\" with 3 partitions"), std::string::npos)
      << listing.output;
  EXPECT_EQ(create_topic(broker->address(), "t", 3), "TOPIC_ALREADY_EXISTS");
}

TEST(Topics, WrongCreationsAreRefused) {
  const TempDirectory data;
  BrokerProcess broker(data.path());
  EXPECT_EQ(create_topic(broker.address(), "t", 1, 3), "INVALID_REPLICATION_FACTOR");
  EXPECT_EQ(create_topic(broker.address(), "bad name", 1), "TOPIC_EXCEPTION");
  EXPECT_EQ(create_topic(broker.address(), "t", 1, 1, {{"no.such.setting", "1"}}),
            "INVALID_CONFIG");
  EXPECT_EQ(create_topic(broker.address(), "t", 1, 1, {{"segment.ms", "soon"}}), "INVALID_CONFIG");
  EXPECT_EQ(create_topic(broker.address(), "a.b", 1), "");
  EXPECT_EQ(create_topic(broker.address(), "a_b", 1), "TOPIC_EXCEPTION");
}

TEST(Topics, APartitionDirectoryThatIsGoneIsReportedAndNotCreatedAnew) {
  const TempDirectory data;
  auto broker = std::make_unique<BrokerProcess>(data.path());
  ASSERT_EQ(create_topic(broker->address(), "t", 2), "");
  broker->stop();
  std::filesystem::remove_all(data.path() + "/t-1");
  std::filesystem::create_directory(data.path() + "/stray-0");
  broker = std::make_unique<BrokerProcess>(data.path());
  EXPECT_NE(broker->errors().find("t-1 is offline: its directory is gone"), std::string::npos)
      << broker->errors();
  EXPECT_FALSE(std::filesystem::exists(data.path() + "/t-1"));
  produce(broker->address(), "t", 0, 1);
}

TEST(Topics, WithoutItsMetadataTheBrokerDoesNotStartOnOldPartitions) {
  const TempDirectory data;
  {
    BrokerProcess broker(data.path());
    ASSERT_EQ(create_topic(broker.address(), "t", 1), "");
    broker.stop();
  }
  for (const char* file : {"/metadata.db", "/metadata.db-wal", "/metadata.db-shm"})
    std::filesystem::remove(data.path() + file);
  EXPECT_THROW(BrokerProcess broker(data.path()), std::runtime_error);
}

}  // namespace
}  // namespace penstock::testing
