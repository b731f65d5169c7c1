#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "framework/base/clock.h"
#include "framework/base/error.h"
#include "framework/base/unique_fd.h"
#include "framework/base/unique_function.h"
#include "framework/connect/channel/messages.h"
#include "framework/connect/supervise/secrets.h"

namespace penstock::connect {

class RunnerProcess;
using Answer = UniqueFunction<void(Result<Message>)>;

/// What happens without being asked for. Called on the supervisor's thread; must not block.
class SupervisorEvents {
 public:
  virtual ~SupervisorEvents() = default;
  /// TaskFailed, CaughtUp, Replan or Metrics. False: more than can be taken; the runner is ended.
  [[nodiscard]] virtual bool runner_said(const std::string& connector, std::int64_t generation,
                                         Message message) = 0;
  /// It ended and nobody had asked it to.
  virtual void runner_ended(const std::string& connector, std::int64_t generation,
                            std::string text) = 0;
  /// A plugin call takes long: "in poll() for 312 s"; "" when it returned.
  virtual void task_stalled(const std::string& connector, std::int64_t generation, int task,
                            std::string text) = 0;
};

/// Where source offsets live. Any thread may call; `done` runs on any thread.
class OffsetBackend {
 public:
  virtual ~OffsetBackend() = default;
  virtual void read(const std::string& connector, std::vector<std::string> partitions,
                    UniqueFunction<void(std::vector<std::optional<std::string>>)> done) = 0;
  virtual void store(const std::string& connector, std::vector<message::OffsetEntry> entries,
                     UniqueFunction<void(Status)> done) = 0;
};

/// The thread that owns all runner processes. Its methods may be called from any thread and never
/// block; answers come on its thread.
class Supervisor {
 public:
  struct Options {
    std::vector<std::string>
        command;  // penstock-runner, with what plugin.runner.command puts in front
    std::int64_t lease_ms = 10'000;           // how long a runner goes on without hearing from us
    std::int64_t hello_deadline_ms = 30'000;  // exec to Ready
    std::int64_t call_warn_ms = 30'000;       // a plugin call that takes longer is shown
    std::int64_t call_deadline_ms =
        900'000;  // and that takes longer is ended with its runner; 0: never
    std::int64_t store_deadline_ms =
        5'000;  // source offsets that are not durable by then are said not to be stored
    std::int64_t memory_limit_bytes = 0;  // resident, of each runner; more ends it; 0: none
    int probes_max = 2;
  };
  static constexpr std::size_t kProbesWaitingMax = 256;

  Supervisor(Options options, const Clock& clock, SupervisorEvents& events, OffsetBackend& offsets);
  ~Supervisor();
  Status start();

  /// Starts a runner and says hello; answers Ready, or an error that says why not. Afterwards its
  /// end is reported by runner_ended(). `secrets` are hidden in what the runner prints.
  void start_runner(std::string connector, std::int64_t generation, message::Hello hello,
                    Answer done, Secrets secrets = {});
  /// A question to a runner; kUnavailable when it is not there or ends meanwhile. Missing the
  /// deadline kills it.
  void ask(std::string connector, std::int64_t generation, Message question,
           std::int64_t deadline_ms, std::string what, Answer done);
  /// Bye, and SIGKILL after the deadline. `done` always runs, when the process is gone.
  void stop_runner(std::string connector, std::int64_t generation, std::int64_t deadline_ms,
                   UniqueFunction<void()> done);
  /// A short-lived runner for one question.
  void probe(message::Hello hello, Message question, std::int64_t deadline_ms, std::string what,
             Answer done, Secrets secrets = {});

  /// Kills what still runs and ends the thread. Questions that were open are answered with errors.
  void stop();

 private:
  struct Probe {
    message::Hello hello;
    Message question;
    std::int64_t deadline_ms = 0;
    std::string what;
    Answer done;
    Secrets secrets;
  };
  struct Running {
    std::unique_ptr<RunnerProcess> process;
    UniqueFunction<void()> stopped;  // set: it was asked to end
    std::int64_t kill_at_ms = 0;     // 0: no end was asked for
    bool ready = false;
  };
  void post(UniqueFunction<void()> task);
  void run();
  void run_posted();
  void wait();
  void service();
  void tick();
  void refuse_late_stores(RunnerProcess& process) const;
  bool within_memory(RunnerProcess& process) const;
  void watch(Running& running);
  void start_probes();
  void unasked(RunnerProcess& runner, std::uint64_t id, Message body);
  Running* find(const std::string& connector, std::int64_t generation);

  Options options_;
  const Clock& clock_;
  SupervisorEvents& events_;
  OffsetBackend& offsets_;
  UniqueFd wake_;
  std::vector<std::unique_ptr<Running>> runners_;
  std::deque<Probe> probes_waiting_;
  int probes_running_ = 0;
  std::int64_t next_tick_ms_ = 0;
  // Guards posted_ and stopping_: calls come from the herder and the state thread. Bounded by the
  // questions that those have open.
  std::mutex mutex_;
  std::vector<UniqueFunction<void()>> posted_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace penstock::connect
