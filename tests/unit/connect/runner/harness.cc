#include "tests/unit/connect/runner/harness.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace penstock::connect {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::pair<UniqueFd, UniqueFd> make_pair_or_die() { return Channel::make_pair().value(); }

process::Child spawn_runner(int channel, int pages) {
  process::SpawnOptions options;
  options.command = {PENSTOCK_RUNNER};
  options.descriptors = {{channel, kRunnerChannelFd}, {pages, kRunnerPagesFd}};
  options.capture_output = false;
  return process::spawn(options).value();
}

}  // namespace

RunnerHarness::RunnerHarness() : pages_(TaskPages::create().value()), channel_(UniqueFd()) {
  auto [mine, theirs] = make_pair_or_die();
  child_ = spawn_runner(theirs.get(), pages_.fd());
  channel_ = Channel(std::move(mine));
}

RunnerHarness::~RunnerHarness() {
  channel_.close();
  if (!child_.wait(30'000 * kTimeScale))
    ADD_FAILURE() << "the runner did not end when its channel was closed";
}

std::string RunnerHarness::probe_plugin() { return PENSTOCK_PROBE_PLUGIN; }

void RunnerHarness::tell(Message body) {
  Envelope envelope;
  envelope.connector = "c";
  envelope.generation = 1;
  envelope.body = std::move(body);
  EXPECT_TRUE(channel_.send(envelope));
}

Message RunnerHarness::ask(Message question) {
  Envelope envelope;
  envelope.id = ++last_id_;
  envelope.connector = "c";
  envelope.generation = 1;
  envelope.body = std::move(question);
  const auto id = envelope.id;
  EXPECT_TRUE(channel_.send(envelope));
  EXPECT_TRUE(until([&] { return answers_.contains(id); })) << "no answer in time";
  auto out = answers_.contains(id) ? std::move(answers_[id])
                                   : Message(message::Failed{"no answer", false});
  answers_.erase(id);
  return out;
}

bool RunnerHarness::service(milliseconds wait) {
  pollfd fd{channel_.fd(), static_cast<short>(POLLIN | (channel_.wants_write() ? POLLOUT : 0)), 0};
  if (!channel_.has_buffered()) ::poll(&fd, 1, static_cast<int>(wait.count()));
  auto messages = channel_.receive();
  if (!messages) return false;
  for (auto& message : *messages) received(std::move(message));
  static_cast<void>(channel_.flush().has_value());
  return true;
}

bool RunnerHarness::until(const std::function<bool()>& done, std::chrono::seconds within) {
  const auto deadline = steady_clock::now() + within;
  while (!done()) {
    if (steady_clock::now() > deadline || !service(milliseconds(50))) return done();
  }
  return true;
}

void RunnerHarness::received(Envelope envelope) {
  if (envelope.answers != 0) {
    answers_[envelope.answers] = std::move(envelope.body);
    return;
  }
  Envelope reply;
  reply.answers = envelope.id;
  reply.connector = envelope.connector;
  reply.generation = envelope.generation;
  if (const auto* store = std::get_if<message::StoreOffsets>(&envelope.body)) {
    if (store_fails) {
      reply.body = message::Failed{"the disk is full", false};
    } else {
      for (const auto& entry : store->entries) offsets[entry.partition] = entry.offset.value_or("");
      reply.body = message::Stored{store->sequence};
    }
    EXPECT_TRUE(channel_.send(reply));
  } else if (const auto* read = std::get_if<message::ReadOffsets>(&envelope.body)) {
    message::OffsetValues values;
    for (const auto& partition : read->partitions) {
      const auto found = offsets.find(partition);
      values.values.push_back(found == offsets.end() ? std::nullopt : std::optional(found->second));
    }
    reply.body = std::move(values);
    EXPECT_TRUE(channel_.send(reply));
  } else if (const auto* metrics = std::get_if<message::Metrics>(&envelope.body)) {
    metrics_ = metrics->values;
  } else if (const auto* state = std::get_if<message::TaskFailed>(&envelope.body)) {
    failure_ = *state;
  } else if (const auto* caught = std::get_if<message::CaughtUp>(&envelope.body)) {
    caught_up_ = *caught;
  }
}

void RunnerHarness::hello(const std::string& class_name, ConfigMap client) {
  message::Hello hello;
  hello.plugin_path = probe_plugin();
  hello.class_name = class_name;
  hello.client = std::move(client);
  EXPECT_EQ(ask_for<message::Ready>(hello).plugin_version, "1.2.3");
}

double RunnerHarness::metric(const std::string& name) const {
  const auto found = metrics_.find(name);
  return found == metrics_.end() ? -1 : found->second;
}

std::optional<message::TaskFailed> RunnerHarness::failure() const { return failure_; }

MockCluster::MockCluster() {
  char text[256];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", "127.0.0.1:1", text, sizeof text);
  rd_kafka_conf_set(conf, "log_level", "0", text, sizeof text);
  host_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
  cluster_ = rd_kafka_mock_cluster_new(host_, 1);
  bootstrap_ = rd_kafka_mock_cluster_bootstraps(cluster_);
}
MockCluster::~MockCluster() {
  rd_kafka_mock_cluster_destroy(cluster_);
  rd_kafka_destroy(host_);
}

void MockCluster::create_topic(const std::string& name, int partitions) {
  rd_kafka_mock_topic_create(cluster_, name.c_str(), partitions, 1);
}

void MockCluster::refuse_produce() {
  constexpr std::int16_t kProduce = 0;
  constexpr auto kRefused = RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
  rd_kafka_mock_push_request_errors(cluster_, kProduce, 3, kRefused, kRefused, kRefused);
}

void MockCluster::set_down() { rd_kafka_mock_broker_set_down(cluster_, 1); }
void MockCluster::set_up() { rd_kafka_mock_broker_set_up(cluster_, 1); }

void MockCluster::produce(const std::string& topic, const std::vector<std::string>& values,
                          int partition) {
  char text[256];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap_.c_str(), text, sizeof text);
  rd_kafka_t* producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
  rd_kafka_topic_t* to = rd_kafka_topic_new(producer, topic.c_str(), nullptr);
  for (const auto& value : values) {
    rd_kafka_produce(to, partition, RD_KAFKA_MSG_F_COPY, const_cast<char*>(value.data()),
                     value.size(), "k", 1, nullptr);
  }
  EXPECT_EQ(rd_kafka_flush(producer, 10'000), RD_KAFKA_RESP_ERR_NO_ERROR);
  rd_kafka_topic_destroy(to);
  rd_kafka_destroy(producer);
}

std::vector<MockCluster::Consumed> MockCluster::consume(const std::string& topic) {
  char text[256];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap_.c_str(), text, sizeof text);
  rd_kafka_conf_set(conf, "group.id", "reader", text, sizeof text);
  rd_kafka_conf_set(conf, "enable.partition.eof", "true", text, sizeof text);
  rd_kafka_t* consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, topic.c_str(), 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
  rd_kafka_assign(consumer, list);
  rd_kafka_topic_partition_list_destroy(list);
  std::vector<Consumed> out;
  const auto deadline = steady_clock::now() + std::chrono::seconds(20 * kTimeScale);
  bool end = false;
  while (!end && steady_clock::now() < deadline) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer, 200);
    if (message == nullptr) continue;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) end = true;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      Consumed one;
      one.has_value = message->payload != nullptr;
      one.key.assign(static_cast<const char*>(message->key), message->key_len);
      one.value.assign(static_cast<const char*>(message->payload), message->len);
      rd_kafka_headers_t* headers = nullptr;
      if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        const char* name = nullptr;
        const void* value = nullptr;
        std::size_t size = 0;
        for (std::size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) ==
                                RD_KAFKA_RESP_ERR_NO_ERROR;
             ++i) {
          one.headers[name] = std::string(static_cast<const char*>(value), size);
        }
      }
      out.push_back(std::move(one));
    }
    rd_kafka_message_destroy(message);
  }
  EXPECT_TRUE(end) << "the end of " << topic << " was not reached";
  rd_kafka_destroy(consumer);
  return out;
}

TempDir::TempDir() {
  std::string pattern =
      (std::filesystem::temp_directory_path() / "penstock-runner-XXXXXX").string();
  path_ = ::mkdtemp(pattern.data());
}

std::vector<std::string> lines_of(const std::string& file) {
  std::vector<std::string> out;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

}  // namespace penstock::connect
