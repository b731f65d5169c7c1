#include "framework/connect/herder/herder.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "framework/connect/herder/connector.h"
#include "framework/connect/herder/connector_settings.h"
#include "framework/connect/herder/request.h"

namespace penstock::connect {
Herder::Herder(Options options, const Clock& clock, StateThread& state, StoredConnectors stored)
    : options_(std::move(options)),
      clock_(clock),
      state_(state),
      catalog_(options_.plugin_path, options_.plugin_cache),
      random_(options_.seed) {
  for (auto& [name, from] : stored) {
    auto connector = std::make_unique<Connector>();
    connector->name = name;
    connector->config = std::move(from.config);
    connector->target = from.target;
    connector->stored_tasks = std::move(from.tasks);
    connector->policy = RestartPolicy(options_.restart);
    connector->config_generation = ++last_config_generation_;
    connector->held = options_.stored_connectors_wait;
    connectors_[name] = std::move(connector);
  }
}

Herder::~Herder() { stop(); }

void Herder::start(Supervisor& supervisor, std::string worker_id) {
  supervisor_ = &supervisor;
  worker_id_ = std::move(worker_id);
  thread_ = std::thread([this] { run(); });
  post(
      [this] {
        refresh_catalog();
        for (auto& [name, connector] : connectors_) reconcile(*connector);
        ready_.store(true, std::memory_order_release);
      },
      kEventsMax);
}

void Herder::health(Reply<Nothing> reply) {
  request(std::move(reply), [](Reply<Nothing> answer) { answer(Nothing{}); });
}

void Herder::stop() {
  {
    const std::lock_guard lock(mutex_);
    refusing_ = true;
  }
  if (!thread_.joinable()) return;
  post(
      [this] {
        stopping_ = true;
        stop_all();
      },
      kEventsMax);
  thread_.join();
}

bool Herder::post(Action action, std::size_t bound) {
  const std::lock_guard lock(mutex_);
  if (queue_.size() >= bound || ended_) return false;
  queue_.push_back(std::move(action));
  wake_.notify_one();
  return true;
}

void Herder::run() {
  for (;;) {
    const auto next = run_due();
    const bool done = stopping_ && std::ranges::all_of(connectors_, [](const auto& entry) {
                        return entry.second->runner == Connector::Runner::kNone;
                      });
    Action action;
    {
      std::unique_lock lock(mutex_);
      if (done && queue_.empty()) {
        ended_ = true;
        break;
      }
      const auto wait = std::chrono::milliseconds(
          std::clamp<std::int64_t>(next - clock_.steady_ms(), 0, 60'000) + 1);
      if (!wake_.wait_for(lock, wait, [this] { return !queue_.empty(); })) continue;
      action = std::move(queue_.front());
      queue_.pop_front();
    }
    action();
  }
  // Who still waits for a plugin's description is told by the end of its reply.
  waiting_for_catalog_.clear();
}

/// Starts what is due again; returns when the next is.
std::int64_t Herder::run_due() {
  const auto now = clock_.steady_ms();
  auto next = std::numeric_limits<std::int64_t>::max();
  for (auto& [name, connector] : connectors_) {
    bool due = false;
    const auto look = [&](std::optional<std::int64_t>& at) {
      if (!at) return;
      if (*at <= now) {
        at.reset();
        due = true;
      } else {
        next = std::min(next, *at);
      }
    };
    look(connector->retry_at_ms);
    for (auto& task : connector->tasks) look(task.retry_at_ms);
    if (due) reconcile(*connector);
  }
  return next;
}

Herder::Connector* Herder::find(const std::string& name) {
  const auto found = connectors_.find(name);
  return found == connectors_.end() || found->second->deleted ? nullptr : found->second.get();
}

Herder::Connector* Herder::find(const std::string& name, std::int64_t generation) {
  const auto found = connectors_.find(name);
  return found == connectors_.end() || found->second->generation != generation
             ? nullptr
             : found->second.get();
}

void Herder::view(std::optional<std::string> name, Reply<std::vector<ConnectorView>> reply) {
  request(std::move(reply),
          [this, name = std::move(name)](Reply<std::vector<ConnectorView>> answer) {
            std::vector<ConnectorView> all;
            for (auto& [key, connector] : connectors_) {
              if (!connector->deleted && (!name || *name == key))
                all.push_back(view_of(*connector));
            }
            answer(std::move(all));
          });
}

void Herder::put(Put wanted, Reply<std::pair<ConnectorView, bool>> reply) {
  request(std::move(reply), [this, wanted = std::move(wanted)](
                                Reply<std::pair<ConnectorView, bool>> answer) mutable {
    const auto* existing = find(wanted.name);
    if (existing != nullptr && wanted.create_only) {
      return answer(
          tl::make_unexpected(RestError{409, "Connector " + wanted.name + " already exists"}));
    }
    wanted.config["name"] = wanted.name;
    if (existing != nullptr) {
      // Who read a configuration and writes it back does not lose its passwords.
      for (auto& [key, value] : wanted.config) {
        const auto old = existing->config.find(key);
        if (value == kHidden && old != existing->config.end()) value = old->second;
      }
    }
    auto config = wanted.config;
    validate_now(std::move(config), [this, wanted = std::move(wanted),
                                     answer = std::move(answer)](auto checked) mutable {
      if (!checked) return answer(tl::make_unexpected(std::move(checked).error()));
      if (const int errors = checked->error_count(); errors > 0) {
        std::string text = "Connector configuration is invalid and contains the following " +
                           std::to_string(errors) + " error(s):\n";
        for (const auto& value : checked->values) {
          for (const auto& error : value.errors) text += error + "\n";
        }
        text +=
            "You can also find the above list of errors at the endpoint "
            "`/connector-plugins/{connectorType}/config/validate`";
        return answer(tl::make_unexpected(RestError{400, std::move(text)}));
      }
      store_put(std::move(wanted), std::move(answer));
    });
  });
}

void Herder::store_put(Put wanted, Reply<std::pair<ConnectorView, bool>> reply) {
  const auto* existing = find(wanted.name);
  if (existing != nullptr && wanted.create_only) {
    return reply(
        tl::make_unexpected(RestError{409, "Connector " + wanted.name + " already exists"}));
  }
  if (stopping_) return reply(tl::make_unexpected(RestError{503, kWorkerStopping}));
  const bool created = existing == nullptr;
  if (!created && keep_running(*find(wanted.name), wanted.config)) {
    return reply(std::pair{view_of(*existing), false});
  }
  const auto target = created ? wanted.initial : existing->target;
  const auto stored = state_.put_and_wait(StateTopic::kConfigs,
                                          connector_entries(wanted.name, wanted.config, target));
  if (!stored)
    return reply(
        tl::make_unexpected(RestError{500, stored.error().in("storing the configuration").text}));
  auto& slot = connectors_[wanted.name];
  if (!slot) slot = std::make_unique<Connector>();
  auto& connector = *slot;
  connector.name = wanted.name;
  connector.config = std::move(wanted.config);
  connector.target = target;
  connector.deleted = false;
  connector.held = false;
  connector.config_generation = ++last_config_generation_;
  connector.policy = RestartPolicy(options_.restart);
  connector.restarts = 0;
  connector.given_up = false;
  connector.retry_at_ms.reset();
  connector.trace.clear();
  connector.hook = created ? "created" : "updated";
  connector.restart_wanted = connector.runner != Connector::Runner::kNone;
  if (connector.runner == Connector::Runner::kNone) connector.tasks.clear();
  connector.state = "UNASSIGNED";
  for (auto& task : connector.tasks) {
    task.state = "UNASSIGNED";
    task.trace.clear();
    task.given_up = false;
    task.retry_at_ms.reset();
    task.forget_progress();
  }
  note_class(connector);
  spdlog::info("connector {} {}", connector.name, created ? "created" : "reconfigured");
  reconcile(connector);
  reply(std::pair{view_of(connector), created});
}

/// As in Connect, a configuration that changes nothing does not end tasks that run; those that
/// failed are started again. True when there is nothing else to do.
bool Herder::keep_running(Connector& connector, const StringMap& config) {
  if (connector.held || connector.config != config) return false;
  if (connector.target == TargetState::kStopped) return true;
  if (connector.runner != Connector::Runner::kReady || connector.restart_wanted ||
      connector.given_up)
    return false;
  const auto resolved = options_.providers.resolve(config);
  if (!resolved || resolved->config != connector.resolved) return false;
  connector.replan_wanted = true;
  for (auto& task : connector.tasks) {
    if (task.state != "FAILED") continue;
    task.restart_wanted = true;
    task.policy.reset();
    task.state = "RESTARTING";
    task.trace.clear();
  }
  reconcile(connector);
  return true;
}

void Herder::patch(std::string name, std::map<std::string, std::optional<std::string>> changes,
                   Reply<std::pair<ConnectorView, bool>> reply) {
  request(std::move(reply), [this, name = std::move(name),
                             changes = std::move(changes)](auto answer) mutable {
    const auto* connector = find(name);
    if (connector == nullptr) return answer(tl::make_unexpected(not_found(name)));
    auto config = connector->config;
    for (auto& [key, value] : changes) {
      if (value)
        config[key] = std::move(*value);
      else
        config.erase(key);
    }
    put(Put{std::move(name), std::move(config), false, TargetState::kStarted}, std::move(answer));
  });
}

void Herder::remove(std::string name, Reply<Nothing> reply) {
  request(std::move(reply), [this, name = std::move(name)](Reply<Nothing> answer) {
    auto* connector = find(name);
    if (connector == nullptr) return answer(tl::make_unexpected(not_found(name)));
    const auto tasks = std::max(connector->tasks.size(),
                                connector->stored_tasks ? connector->stored_tasks->size() : 0);
    const auto stored = state_.put_and_wait(StateTopic::kConfigs, deletion_entries(name, tasks));
    if (!stored)
      return answer(
          tl::make_unexpected(RestError{500, stored.error().in("storing the deletion").text}));
    if (connector->runner == Connector::Runner::kNone) hook_after_death(*connector);
    connector->deleted = true;
    connector->retry_at_ms.reset();
    spdlog::info("connector {} deleted", name);
    reconcile(*connector);
    answer(Nothing{});
  });
}

void Herder::set_target(std::string name, TargetState target, Reply<Nothing> reply) {
  request(std::move(reply), [this, name = std::move(name), target](Reply<Nothing> answer) {
    auto* connector = find(name);
    if (connector == nullptr)
      return answer(tl::make_unexpected(RestError{404, "Unknown connector " + name}));
    std::vector<StateEntry> entries{target_state_entry(name, target)};
    if (target == TargetState::kStopped) {
      const auto more =
          task_entries(name, {}, connector->stored_tasks ? connector->stored_tasks->size() : 0);
      entries.insert(entries.end(), more.begin(), more.end());
    }
    const auto stored = state_.put_and_wait(StateTopic::kConfigs, std::move(entries));
    if (!stored)
      return answer(
          tl::make_unexpected(RestError{500, stored.error().in("storing the target state").text}));
    connector->target = target;
    if (target == TargetState::kStarted) connector->held = false;
    if (target == TargetState::kStopped) connector->stored_tasks = std::vector<StringMap>();
    reconcile(*connector);
    answer(Nothing{});
  });
}

void Herder::restart(std::string name, bool include_tasks, bool only_failed,
                     Reply<ConnectorView> reply) {
  request(std::move(reply),
          [this, name = std::move(name), include_tasks, only_failed](Reply<ConnectorView> answer) {
            auto* connector = find(name);
            if (connector == nullptr)
              return answer(tl::make_unexpected(RestError{404, "Unknown connector: " + name}));
            if (connector->target == TargetState::kStopped) return answer(view_of(*connector));
            if (connector->held && only_failed) return answer(view_of(*connector));
            connector->held = false;
            if (connector->runner != Connector::Runner::kReady) {
              // Instance and tasks come back together with their runner.
              connector->policy.reset();
              connector->given_up = false;
              connector->retry_at_ms.reset();
              connector->state = "RESTARTING";
              for (auto& task : connector->tasks)
                task.state = include_tasks ? "RESTARTING" : task.state;
            } else {
              if (!only_failed || connector->state == "FAILED") {
                connector->replan_wanted = true;
                connector->policy.reset();
                connector->given_up = false;
                connector->retry_at_ms.reset();
              }
              for (auto& task : connector->tasks) {
                if (!include_tasks || (only_failed && task.state != "FAILED")) continue;
                task.restart_wanted = true;
                task.policy.reset();
                task.state = "RESTARTING";
                task.forget_progress();
              }
            }
            auto view = view_of(*connector);
            if (!only_failed || connector->state == "FAILED") view.state = "RESTARTING";
            reconcile(*connector);
            answer(std::move(view));
          });
}

void Herder::restart_task(std::string name, int index, Reply<Nothing> reply) {
  request(std::move(reply), [this, name = std::move(name), index](Reply<Nothing> answer) {
    auto* connector = find(name);
    if (connector == nullptr || index < 0 ||
        static_cast<std::size_t>(index) >= connector->tasks.size()) {
      return answer(tl::make_unexpected(
          RestError{404, "Unknown task: " + name + "-" + std::to_string(index)}));
    }
    auto& task = connector->tasks[static_cast<std::size_t>(index)];
    task.restart_wanted = true;
    task.policy.reset();
    task.forget_progress();
    if (connector->runner == Connector::Runner::kNone) {
      connector->policy.reset();
      connector->given_up = false;
      connector->retry_at_ms.reset();
    }
    reconcile(*connector);
    answer(Nothing{});
  });
}

void Herder::validate(StringMap config, Reply<ValidationView> reply) {
  request(std::move(reply),
          [this, config = std::move(config)](Reply<ValidationView> answer) mutable {
            validate_now(std::move(config), std::move(answer));
          });
}

void Herder::plugins(Reply<std::vector<PluginView>> reply) {
  request(std::move(reply), [this](Reply<std::vector<PluginView>> answer) mutable {
    refresh_catalog();
    when_catalog_known([this, answer = std::move(answer)]() mutable {
      std::vector<PluginView> all;
      for (const char* kind : {"sink", "source"}) {
        for (const auto& one : catalog_.classes()) {
          if (one.connector->kind == kind)
            all.push_back({one.connector->name, kind, one.plugin->version});
        }
      }
      answer(std::move(all));
    });
  });
}

void Herder::plugin_keys(std::string class_name, Reply<std::vector<KeyView>> reply) {
  request(std::move(reply), [this, class_name = std::move(class_name)](
                                Reply<std::vector<KeyView>> answer) mutable {
    when_catalog_known([this, class_name = std::move(class_name),
                        answer = std::move(answer)]() mutable {
      const auto found = catalog_.find(class_name);
      if (!found)
        return answer(tl::make_unexpected(RestError{404, "Unknown plugin " + class_name + "."}));
      answer(ConnectorSettings(*found->connector).keys());
    });
  });
}

bool Herder::runner_said(const std::string& name, std::int64_t generation, Message message) {
  return post(
      [this, name, generation, message = std::move(message)]() mutable {
        if (auto* connector = find(name, generation)) heard(*connector, std::move(message));
      },
      kEventsMax);
}

void Herder::task_stalled(const std::string& name, std::int64_t generation, int index,
                          std::string text) {
  post(
      [this, name, generation, index, text = std::move(text)]() mutable {
        auto* connector = find(name, generation);
        if (connector == nullptr || static_cast<std::size_t>(index) >= connector->tasks.size())
          return;
        auto& task = connector->tasks[static_cast<std::size_t>(index)];
        if (!text.empty() && task.stalled.empty())
          spdlog::warn("connector {} task {} is {}", name, index, text);
        task.stalled = std::move(text);
      },
      kEventsMax);
}

}  // namespace penstock::connect
