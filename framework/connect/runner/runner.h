#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "framework/connect/channel/channel.h"
#include "framework/connect/channel/task_pages.h"
#include "framework/connect/plugin/library.h"
#include "framework/connect/runner/connector_calls.h"
#include "framework/connect/runner/outbox.h"
#include "framework/connect/runner/task_thread.h"

namespace penstock::connect {

/// How a runner ends; the numbers are exit codes.
enum class RunnerExit : int {
  kFarewell = 0,
  kRefused = 2,
  kChannelClosed = 3,  // the worker is gone: nothing was committed after that
  kLeaseOver = 4,      // the same
  kDeadline = 5,       // tasks did not end within Bye's deadline
  kChannelBroken = 6,
};

/// One worker, one plugin, its tasks. run() never calls plugin code itself, so that leases and
/// stops are always seen.
class Runner {
 public:
  Runner(Channel channel, TaskPages pages);
  ~Runner();
  /// The caller leaves the process with this at once: plugin threads may still run unless it is
  /// kFarewell.
  RunnerExit run();

 private:
  using Question = const Envelope&;
  void handle(Envelope envelope);
  void hello(Question question, const message::Hello& hello);
  void describe(Question question);
  void connector_call(Question question, ConnectorCalls::Work work);
  void start_task(Question question, const message::StartTask& start);
  void stop_task(Question question, const message::StopTask& stop);
  void bye(Question question, std::int64_t deadline_ms);
  void answer(Question question, Message body);
  void send_outbox();
  void reap_tasks();
  [[nodiscard]] int wait_ms() const;
  void finish(RunnerExit how, std::string_view why);
  TaskThread* task(int number);

  Channel channel_;
  TaskPages pages_;
  Outbox outbox_;
  std::deque<Outbox::Item> unsent_;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, std::function<void(Result<Message>)>> waiting_;
  std::shared_ptr<const plugin::PluginLibrary> plugin_;
  const ConnectorDescriptor* descriptor_ = nullptr;
  message::Hello hello_;
  std::unique_ptr<ConnectorCalls> calls_;
  std::map<int, std::unique_ptr<TaskThread>> tasks_;
  std::map<int, std::vector<Envelope>> stop_questions_;
  std::int64_t lease_until_ms_ = 0;  // 0: none was given yet
  std::int64_t bye_until_ms_ = 0;    // 0: no bye yet
  Envelope bye_question_;
  std::optional<RunnerExit> exit_;
};

}  // namespace penstock::connect
