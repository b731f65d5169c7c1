#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "framework/base/clock.h"
#include "framework/base/error.h"
#include "framework/base/unique_function.h"
#include "framework/connect/herder/config_providers.h"
#include "framework/connect/herder/views.h"
#include "framework/connect/store/config_records.h"
#include "framework/connect/store/state_thread.h"
#include "framework/connect/supervise/plugin_catalog.h"
#include "framework/connect/supervise/restart_policy.h"
#include "framework/connect/supervise/supervisor.h"

namespace penstock::connect {

struct HerdedConnector;
struct HerdedTask;

/// Owner of all connectors' states. Requests may come from any thread and are answered on the
/// herder's; none of them waits for a plugin.
class Herder final : public SupervisorEvents {
 public:
  static constexpr std::size_t kRequestsMax = 1'000;
  static constexpr std::size_t kEventsMax = 100'000;
  struct Options {
    std::vector<std::string> plugin_path;
    std::string plugin_cache;           // file
    std::string instance_id;            // Hello::instance_id
    StringMap client;                   // for every runner's Kafka clients
    std::int64_t data_limit_bytes = 0;  // of each runner; 0: none
    StringMap task_defaults;  // worker settings that a connector may set itself: converters,
                              // producer., consumer. and admin.override.*
    ConfigProviders providers;
    RestartPolicy::Options restart;
    std::int64_t plugin_deadline_ms = 60'000;  // validate, plan, hooks
    std::int64_t task_start_deadline_ms = 60'000;
    std::int64_t task_stop_deadline_ms = 5'000;
    std::int64_t stop_deadline_ms = 30'000;  // bye to SIGKILL
    bool stored_connectors_wait =
        false;  // until their configuration is put, they are resumed or restarted
    std::uint64_t seed = 0;
  };

  /// `state` and the supervisor of attach() must outlive this.
  Herder(Options options, const Clock& clock, StateThread& state, StoredConnectors stored);
  ~Herder() override;
  /// The thread begins; connectors start. Once. `worker_id`: host:port as others see it.
  void start(Supervisor& supervisor, std::string worker_id);
  /// Refuses further requests, ends all runners (bye, then SIGKILL after stop_deadline_ms), ends
  /// the thread.
  void stop();

  /// Answers as soon as the herder gets to it.
  void health(Reply<Nothing> reply);
  /// Stored connectors were looked at; before that requests wait. Any thread.
  [[nodiscard]] bool is_ready() const { return ready_.load(std::memory_order_acquire); }
  /// All connectors, or one; an unknown one gives an empty list.
  void view(std::optional<std::string> name, Reply<std::vector<ConnectorView>> reply);
  struct Put {
    std::string name;
    StringMap config;
    bool create_only = false;
    TargetState initial = TargetState::kStarted;  // of a new connector
  };
  /// The view, and whether it was created.
  void put(Put request, Reply<std::pair<ConnectorView, bool>> reply);
  void patch(std::string name, std::map<std::string, std::optional<std::string>> changes,
             Reply<std::pair<ConnectorView, bool>> reply);
  void remove(std::string name, Reply<Nothing> reply);
  void set_target(std::string name, TargetState target, Reply<Nothing> reply);
  void restart(std::string name, bool include_tasks, bool only_failed, Reply<ConnectorView> reply);
  void restart_task(std::string name, int task, Reply<Nothing> reply);
  void plugins(Reply<std::vector<PluginView>> reply);
  void plugin_keys(std::string class_name, Reply<std::vector<KeyView>> reply);
  void validate(StringMap config, Reply<ValidationView> reply);
  /// Source offsets as JSON pairs (partition, offset).
  void offsets(std::string name, Reply<StateThread::Offsets> reply);
  struct OffsetChange {
    std::string partition;              // JSON
    std::optional<std::string> offset;  // JSON; nullopt: forgotten
  };
  /// Of a stopped source; without changes all its offsets are forgotten.
  void alter_offsets(std::string name, std::optional<std::vector<OffsetChange>> changes,
                     Reply<Nothing> reply);

  bool runner_said(const std::string& connector, std::int64_t generation, Message message) override;
  void runner_ended(const std::string& connector, std::int64_t generation,
                    std::string text) override;
  void task_stalled(const std::string& connector, std::int64_t generation, int task,
                    std::string text) override;

 private:
  using Connector = HerdedConnector;
  using Task = HerdedTask;
  using Action = UniqueFunction<void()>;

  // herder.cc
  bool post(Action action, std::size_t bound);
  template <class T, class F>
  void request(Reply<T> reply, F action);  // request.h
  void run();
  std::int64_t run_due();
  Connector* find(const std::string& name);
  Connector* find(const std::string& name, std::int64_t generation);
  void store_put(Put request, Reply<std::pair<ConnectorView, bool>> reply);
  bool keep_running(Connector& connector, const StringMap& config);

  // herder_plugins.cc
  void refresh_catalog();
  void when_catalog_known(Action action);
  void validate_now(StringMap config, Reply<ValidationView> reply);
  void hook_after_death(const Connector& connector);
  Result<PluginCatalog::Class> find_class(const StringMap& config);
  message::Hello hello_for(const PluginCatalog::Class& found) const;
  void note_class(Connector& connector);
  Secrets secrets_of(const PluginCatalog::Class& found,
                     const ConfigProviders::Resolved& resolved) const;

  // herder_lifecycle.cc
  void reconcile(Connector& connector);
  void start_runner(Connector& connector);
  void stop_runner(Connector& connector);
  void end_runner(const std::string& name, std::int64_t generation);
  void stopped(Connector& connector);
  void begin_work(Connector& connector);
  void plan(Connector& connector);
  void planned(Connector& connector, std::vector<StringMap> tasks);
  void connector_failed(Connector& connector, std::string text, bool fatal);
  void forget(const std::string& name);
  void stop_all();
  void publish(Connector& connector);
  std::string masked(const Connector& connector, std::string text) const;

  // herder_tasks.cc
  void drive_tasks(Connector& connector);
  void start_task(Connector& connector, int index);
  void stop_task(Connector& connector, int index);
  void pause_task(Connector& connector, int index, bool pause);
  void task_failed(Connector& connector, int index, std::string text, bool fatal, bool budget_free);
  void heard(Connector& connector, Message message);
  void ask_task(Connector& connector, int index, Message question, std::int64_t deadline_ms,
                std::string what, std::function<void(Connector&, Task&, Result<Message>)> then);
  StringMap task_config(const Connector& connector, const Task& task) const;

  // herder_offsets.cc
  std::optional<RestError> why_offsets_stay(const std::string& name);
  void store_offsets(const std::string& name,
                     const std::optional<std::vector<OffsetChange>>& changes,
                     const StateThread::Offsets& stored, Reply<Nothing> reply);

  // herder_views.cc
  ConnectorView view_of(const Connector& connector);

  Options options_;
  const Clock& clock_;
  StateThread& state_;
  Supervisor* supervisor_ = nullptr;
  std::string worker_id_;
  PluginCatalog catalog_;
  std::size_t describing_ = 0;
  std::vector<Action> waiting_for_catalog_;
  std::map<std::string, std::unique_ptr<Connector>> connectors_;
  std::mt19937_64 random_;
  std::int64_t last_generation_ = 0;
  std::int64_t last_config_generation_ = 0;
  bool stopping_ = false;
  std::atomic<bool> ready_ = false;

  // Guards queue_, refusing_ and ended_: requests come from REST threads, events from the
  // supervisor and the state thread.
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Action> queue_;
  bool refusing_ = false;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace penstock::connect
