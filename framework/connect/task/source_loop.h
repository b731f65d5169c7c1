#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "framework/connect/convert/converter.h"
#include "framework/connect/plugin/instance.h"
#include "framework/connect/task/contexts.h"
#include "framework/connect/task/dead_letters.h"
#include "framework/connect/task/error_policy.h"
#include "framework/connect/task/flights.h"
#include "framework/connect/task/plugin_call.h"
#include "framework/connect/task/task_loop.h"
#include "framework/connect/task/topic_creation.h"
#include "framework/rdkafka/producer.h"

namespace penstock::connect {

/// A source task from start to end: poll fills a Block, converters write a second arena, the
/// producer sends it without a copy; acknowledged Blocks give up their offsets in order, and are
/// used again. One thread runs all of it.
class SourceLoop final : public TaskLoop {
 public:
  explicit SourceLoop(TaskSetup setup);
  ~SourceLoop() override;
  TaskEnd run(const OnStarted& started) override;
  void stop_plugin() noexcept override;

 private:
  using Clock = std::chrono::steady_clock;
  struct PluginTask;

  Status prepare();
  plugin::CallResult start_plugin();
  void fail_unless_retriable(const plugin::CallResult& result);
  [[nodiscard]] plugin::Caller caller() const { return {setup_.connector, setup_.task}; }
  void loop();
  void step();
  void poll_once();
  void send_block(Flight& flight, std::optional<std::size_t> bad, const std::string& why);
  void send_record(Flight& flight, std::size_t i);
  bool produce(const rdkafka::Outgoing& record, Flight& flight, std::size_t slot, bool dead_letter);
  void bad_record(Flight& flight, std::size_t i, std::string_view stage, std::string why);
  void settle();
  void count_sent(const Flight& flight);
  void store(bool now);
  void tick_if_due();
  void report(bool now);
  void say_caught_up(bool caught_up, bool finished);
  void drain();
  void fail_with(std::string trace, bool fatal = false, bool budget_free = false);
  void rest(std::chrono::milliseconds at_most);
  [[nodiscard]] bool running() const { return !end_.failed && !setup_.signal->stopping(); }

  TaskSetup setup_;
  SourceTaskContext context_;
  ErrorPolicy policy_;
  std::unique_ptr<DeadLetters> dead_letters_;
  Converters converters_;
  std::unique_ptr<Converter>
      describer_;  // writes what the configured converter cannot, for dead letters
  std::unique_ptr<TopicCreation> topics_;
  Flights flights_;
  std::unique_ptr<rdkafka::Producer> producer_;
  std::unique_ptr<PluginTask> task_;
  std::vector<rdkafka::HeaderView> headers_;
  TaskEnd end_;
  bool store_refused_ = false;
  bool gave_up_ = false;  // stopped while the broker took nothing
  bool finished_ = false;
  bool idle_ = false;
  bool told_caught_up_ = false, told_finished_ = false;
  std::int64_t flush_interval_ms_ = 1'000;
  Clock::time_point last_call_, last_store_, last_report_, next_poll_;
  std::unique_ptr<Backoff> backoff_;
  double records_ = 0, bytes_ = 0, errors_ = 0, dead_ = 0, skipped_ = 0, retries_ = 0, poll_ms_ = 0;
  std::map<std::string, double, std::less<>> sent_;  // records acknowledged, of each topic
  std::map<std::string, double, std::less<>>::iterator sent_last_ = sent_.end();
};

}  // namespace penstock::connect
