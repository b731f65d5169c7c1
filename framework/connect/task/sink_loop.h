#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "framework/connect/convert/converter.h"
#include "framework/connect/plugin/instance.h"
#include "framework/connect/task/contexts.h"
#include "framework/connect/task/dead_letters.h"
#include "framework/connect/task/error_policy.h"
#include "framework/connect/task/plugin_call.h"
#include "framework/connect/task/sink_fetcher.h"
#include "framework/connect/task/task_loop.h"
#include "framework/connect/task/topic_creation.h"

namespace penstock::connect {

/// Dead letters of a sink, through a producer that exists only once there is one. One thread.
class DeadLetterWriter final : public rdkafka::DeliveryListener {
 public:
  DeadLetterWriter(const TaskSetup& setup, const ErrorPolicy& policy);
  /// Views of `record` must live until wait() returned, or write() an error: with an error nothing
  /// more is sent.
  Status write(const BadRecord& record);
  /// Until all is durable. kTimeout: not within `at_most`.
  Status wait(std::chrono::milliseconds at_most);
  [[nodiscard]] bool enabled() const { return letters_.enabled(); }
  void delivered(const rdkafka::Delivery& delivery) override;

 private:
  Status give_up(Error error);

  const TaskSetup& setup_;
  const ErrorPolicy& policy_;
  DeadLetters letters_;
  std::unique_ptr<TopicCreation> topics_;
  std::unique_ptr<rdkafka::Producer> producer_;
  std::size_t pending_ = 0;
  std::string error_;
};

/// A sink task from start to end: put, flush, then the group's offsets. Its own thread; SinkFetcher
/// has another.
class SinkLoop final : public TaskLoop {
 public:
  explicit SinkLoop(TaskSetup setup);
  ~SinkLoop() override;
  TaskEnd run(const OnStarted& started) override;
  void stop_plugin() noexcept override;

 private:
  using Clock = std::chrono::steady_clock;
  using Partition = std::pair<std::string, std::int32_t>;
  struct PluginTask;
  struct Progress {
    std::int64_t position = -1;  // behind the last record that was put, control records included
    std::int64_t stored = -1;
    std::int64_t end = -1;  // of the partition, when it was last reached
  };
  enum class Put { kDone, kAbandoned, kFailed };

  Status prepare();
  Result<std::vector<std::string>> topics() const;
  plugin::CallResult start_plugin();
  void loop();
  void handle(SinkEvent& event);
  void open(SinkEvent& event);
  void take_seek(const SinkTaskContext::Seek& seek, std::vector<PartitionOffset>& partitions);
  void revoke(const SinkEvent& event);
  void close(const std::vector<PartitionOffset>& partitions);
  void process(SinkBatch& batch);
  Put deliver(SinkBatch& batch, std::size_t& done);
  Put put(SinkBatch& batch, std::size_t first, std::size_t last);
  Put put_once(SinkBatch& batch, std::size_t first, std::size_t last, plugin::CallResult& result);
  Put bad_record(SinkBatch& batch, std::size_t message, std::string_view stage, std::string why);
  Put take_rejects(SinkBatch& batch);
  void advance(const SinkBatch& batch, std::size_t messages);
  bool flush();
  plugin::CallResult call_flush();
  bool commit();
  void flush_if_due();
  void tick_if_due();
  void check_topics_if_due();
  void report(bool now);
  void say_caught_up();
  void finish();
  void fail_with(std::string trace, bool fatal = false);
  [[nodiscard]] bool at_end() const;
  [[nodiscard]] bool uncommitted() const;
  [[nodiscard]] bool running() const { return !end_.failed && !setup_.signal->stopping(); }
  [[nodiscard]] plugin::Caller caller() const { return {setup_.connector, setup_.task}; }

  TaskSetup setup_;
  SinkTaskContext context_;
  ErrorPolicy policy_;
  Converters converters_;  // the fetcher's thread uses them
  std::unique_ptr<DeadLetterWriter> dead_letters_;
  std::unique_ptr<SinkFetcher> fetcher_;
  std::unique_ptr<PluginTask> task_;
  TaskEnd end_;
  std::map<Partition, Progress> progress_;
  bool assigned_ = false;
  bool dropping_ = false;    // until the revocation that is on its way: a put was given up for it
  bool put_broken_ = false;  // the last put() failed half-way
  bool dirty_ = false;       // put() or a record sent away since the last flush()
  bool told_caught_up_ = false;
  std::int64_t flush_interval_ms_ = 1'000;
  Clock::time_point last_call_, last_flush_, last_put_, last_report_, last_topic_check_,
      flush_not_before_;
  std::unique_ptr<Backoff> flush_backoff_;
  double records_ = 0, bytes_ = 0, errors_ = 0, dead_ = 0, skipped_ = 0, retries_ = 0, put_ms_ = 0;
  std::map<std::string, double> dead_by_topic_, skipped_by_topic_;
};

}  // namespace penstock::connect
