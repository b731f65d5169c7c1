#pragma once
// What both harnesses record of a task. Log, counters and schemas come from any thread.

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "framework/connect/host/plugin_config.h"
#include "framework/connect/host/schema_interner.h"
#include "penstock/testing/harness.h"

namespace penstock::testing {

template <class Base>
class RecordingContext : public Base {
 public:
  explicit RecordingContext(const Options& options)
      : name_(options.connector_name), task_(options.task_id) {}

  const Schema* schema(const SchemaSpec& spec) override { return schemas_.intern(spec); }
  void log(LogLevel level, std::string_view text) override {
    const std::lock_guard lock(mutex_);
    log_.push_back({level, std::string(text)});
  }
  void count(std::string_view metric, double by) override {
    const std::lock_guard lock(mutex_);
    counters_[std::string(metric)] += by;
  }
  [[nodiscard]] bool stopping() const override { return stopping_; }
  [[nodiscard]] std::string_view connector_name() const override { return name_; }
  [[nodiscard]] int task_id() const override { return task_; }
  void replan() override { replan_ = true; }

  [[nodiscard]] std::vector<LogLine> lines() const {
    const std::lock_guard lock(mutex_);
    return log_;
  }
  [[nodiscard]] double counter(std::string_view metric) const {
    const std::lock_guard lock(mutex_);
    const auto found = counters_.find(metric);
    return found == counters_.end() ? 0 : found->second;
  }
  [[nodiscard]] bool replan_asked() const { return replan_; }
  void set_stopping(bool stopping) { stopping_ = stopping; }

 private:
  std::string name_;
  int task_;
  host::SchemaInterner schemas_;
  std::atomic<bool> stopping_ = false, replan_ = false;
  mutable std::mutex mutex_;  // guards log_ and counters_: a plugin's own threads write them
  std::vector<LogLine> log_;
  std::map<std::string, double, std::less<>> counters_;
};

/// Throws std::invalid_argument with all problems.
host::PluginConfig checked_config(const ConnectorDescriptor& connector, const Settings& settings);

}  // namespace penstock::testing
