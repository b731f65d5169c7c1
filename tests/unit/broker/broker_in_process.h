#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "broker/coordinator/coordinator.h"
#include "broker/partition.h"
#include "framework/base/clock.h"
#include "framework/record/batch.h"

namespace penstock::broker {

/// A broker without its listener, one shard, in this process. Everything waits at most ten seconds.
class BrokerInProcess {
 public:
  explicit BrokerInProcess(const std::string& directory,
                           log::FileSystem& files = log::posix_file_system(),
                           std::vector<std::string> overrides = {})
      : broker_(settings(directory, std::move(overrides)), clock_, files) {}
  ~BrokerInProcess() { broker_.close(); }
  BrokerInProcess(const BrokerInProcess&) = delete;
  BrokerInProcess& operator=(const BrokerInProcess&) = delete;

  Broker& operator*() { return broker_; }
  Broker* operator->() { return &broker_; }
  void open() {
    if (const Status opened = broker_.open(); !opened)
      throw std::runtime_error(opened.error().text);
  }

  /// Runs `work` on the only shard and gives what it returns.
  template <class Work>
  std::invoke_result_t<Work&> on_shard(Work work) {
    return run_on(broker_.shard(0).io(), std::move(work));
  }
  template <class Work>
  std::invoke_result_t<Work&> on_control(Work work) {
    return run_on(broker_.control(), std::move(work));
  }

  using Answer = tl::expected<TopicRef, ApiError>;
  Answer create(const std::string& name, std::int32_t partitions = 1) {
    return ask<Answer>([&](auto done) {
      NewTopic topic;
      topic.name = name;
      topic.partitions = partitions;
      topic.internal = is_internal_topic(name);
      broker_.topic_admin().create_topic(std::move(topic), std::move(done));
    });
  }
  Answer remove(const std::string& name) {
    return ask<Answer>(
        [&](auto done) { broker_.topic_admin().delete_topic(name, nullptr, std::move(done)); });
  }
  Answer grow(const std::string& name, std::int32_t total) {
    return ask<Answer>([&](auto done) {
      broker_.topic_admin().add_partitions(name, total, false, nullptr, std::move(done));
    });
  }
  PartitionRef partition(const std::string& topic, std::int32_t index = 0) {
    return on_shard([&] { return broker_.shard(0).topics()->find(topic, PartitionId(index)); });
  }
  /// Appends one record, as a producer's.
  protocol::ErrorCode append(const std::string& topic, std::string value = "value") {
    const PartitionRef handle = partition(topic);
    return on_shard([&] {
      if (!handle || !handle->partition) return protocol::ErrorCode::kNotLeaderOrFollower;
      record::BatchBuilder builder;
      builder.add(1, "key", value);
      std::vector<std::byte> batch = builder.finish();
      const auto view = record::BatchView::parse(batch);
      return handle->partition->append(batch, view->header(), 1).error;
    });
  }

  template <class Value, class Start>
  static Value ask(Start start) {
    auto answer = std::make_shared<std::promise<Value>>();
    start([answer](Value value) { answer->set_value(std::move(value)); });
    return got(answer->get_future());
  }
  static void wait_for(const std::function<bool()>& condition, const char* what) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline)
        throw std::runtime_error(std::string("waited for ") + what);
      std::this_thread::yield();
    }
  }

 private:
  static Settings settings(const std::string& directory, std::vector<std::string> overrides) {
    overrides.push_back("log.dirs=" + directory);
    overrides.push_back("num.network.threads=1");
    auto loaded = load_settings("", overrides);
    if (!loaded) throw std::runtime_error(loaded.error().text);
    return *loaded;
  }
  template <class Value>
  static Value got(std::future<Value> future) {
    if (future.wait_for(std::chrono::seconds(10)) != std::future_status::ready)
      throw std::runtime_error("no answer in time");
    return future.get();
  }
  template <class Work>
  static std::invoke_result_t<Work&> run_on(net::Shard& shard, Work work) {
    using Value = std::invoke_result_t<Work&>;
    auto task = std::make_shared<std::packaged_task<Value()>>(std::move(work));
    shard.post([task] { (*task)(); });
    return got(task->get_future());
  }

  SystemClock clock_;
  Broker broker_;
};

}  // namespace penstock::broker
