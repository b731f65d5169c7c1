#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "framework/connect/host/plugin_config.h"
#include "framework/connect/runner/outbox.h"
#include "framework/connect/task/task_loop.h"

namespace penstock::connect {

/// One task with its thread. Its functions belong to the channel's thread; what it says goes
/// through the outbox.
class TaskThread final : public TaskLink {
 public:
  struct Identity {
    std::string connector;
    std::int64_t generation = 0;
    std::uint64_t start_id = 0;  // the question that start() answers
  };
  TaskThread(Identity identity, config::Settings settings, TaskSetup setup, Outbox& outbox);
  /// The thread must have ended.
  ~TaskThread() override;

  void start();
  void pause(bool on) { signal_->pause(on); }
  /// What was read is delivered and stored within `at_most`, or comes again.
  void stop(std::chrono::milliseconds at_most);
  /// The loop is over; the thread can be joined at once.
  [[nodiscard]] bool ended() const { return ended_.load(std::memory_order_acquire); }
  /// start() of the plugin went well. Only when ended().
  [[nodiscard]] bool started() const { return started_; }
  /// Only when ended().
  [[nodiscard]] const TaskEnd& end() const { return end_; }

  void send(Message message) override;
  Result<std::vector<std::optional<std::string>>> read_offsets(
      std::vector<std::string> partitions) override;
  void log(LogLevel level, std::string_view text) override;

 private:
  void run();
  void store(message::StoreOffsets whole);
  Result<std::vector<std::optional<std::string>>> read_part(std::vector<std::string> partitions);
  Identity identity_;
  int task_;
  host::PluginConfig config_;
  std::shared_ptr<TaskSignal> signal_;  // answers of the worker may outlive the task
  Outbox& outbox_;
  std::unique_ptr<TaskLoop> loop_;
  TaskEnd end_;
  bool started_ = false;
  std::atomic<bool> ended_{false};
  std::thread thread_;
  std::thread stopper_;  // the plugin's stop() may block
};

}  // namespace penstock::connect
