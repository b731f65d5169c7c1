#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "framework/connect/channel/channel.h"
#include "framework/connect/channel/task_pages.h"
#include "framework/process/child.h"
#include "tests/support/time_scale.h"

struct rd_kafka_s;
struct rd_kafka_mock_cluster_s;

namespace penstock::connect {

/// A runner process, and this test as its worker. Offsets are kept in memory.
class RunnerHarness {
 public:
  RunnerHarness();
  ~RunnerHarness();

  /// Sends a question and returns its answer; other messages meanwhile are kept in `said`. Fails
  /// the test after 20 s.
  Message ask(Message question);
  template <class T>
  T ask_for(Message question) {
    Message answer = ask(std::move(question));
    auto* wanted = std::get_if<T>(&answer);
    if (wanted != nullptr) return *wanted;
    const auto* failed = std::get_if<message::Failed>(&answer);
    const auto* refused = std::get_if<message::Refused>(&answer);
    ADD_FAILURE() << "another answer: " << answer.index() << " "
                  << (failed != nullptr    ? failed->text
                      : refused != nullptr ? refused->text
                                           : "");
    return T{};
  }
  void tell(Message message);
  /// Handles messages until `done`; false after `within`.
  bool until(const std::function<bool()>& done,
             std::chrono::seconds within = std::chrono::seconds(20 * kTimeScale));
  /// Hello with the probe plugin.
  void hello(const std::string& class_name, ConfigMap client = {});
  void close_channel() { channel_.close(); }
  std::optional<process::ExitStatus> wait_exit(int ms) { return child_.wait(ms); }
  [[nodiscard]] const TaskPages& pages() const { return pages_; }
  [[nodiscard]] double metric(const std::string& name) const;
  [[nodiscard]] std::optional<message::TaskFailed> failure() const;
  [[nodiscard]] bool caught_up() const { return caught_up_ && caught_up_->caught_up; }

  static std::string probe_plugin();
  std::map<std::string, std::string> offsets;
  std::optional<message::CaughtUp> caught_up_;
  bool store_fails = false;

 private:
  bool service(std::chrono::milliseconds wait);
  void received(Envelope envelope);
  TaskPages pages_;
  Channel channel_;
  process::Child child_;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, Message> answers_;
  std::map<std::string, double> metrics_;
  std::optional<message::TaskFailed> failure_;
};

/// librdkafka's in-process cluster, and the little that tests do with it.
class MockCluster {
 public:
  MockCluster();
  ~MockCluster();
  void create_topic(const std::string& name, int partitions = 1);
  /// The next produce requests are not allowed.
  void refuse_produce();
  /// The broker answers nobody; set_up() ends that.
  void set_down();
  void set_up();
  void produce(const std::string& topic, const std::vector<std::string>& values, int partition = 0);
  struct Consumed {
    std::string key, value;
    bool has_value = true;
    std::map<std::string, std::string> headers;
  };
  /// All records of partition 0, read until its end.
  std::vector<Consumed> consume(const std::string& topic);
  [[nodiscard]] ConfigMap client() const {
    return {{"bootstrap.servers", bootstrap_}, {"session.timeout.ms", "6000"}};
  }
  [[nodiscard]] ConfigMap source_client() const { return {{"bootstrap.servers", bootstrap_}}; }

 private:
  rd_kafka_s* host_ = nullptr;
  rd_kafka_mock_cluster_s* cluster_ = nullptr;
  std::string bootstrap_;
};

class TempDir {
 public:
  TempDir();
  ~TempDir() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

std::vector<std::string> lines_of(const std::string& file);

}  // namespace penstock::connect
