#pragma once
// Between framework/config and the SDK's Config, ConfigKey and Problems.

#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "framework/config/definition.h"
#include "penstock/config.h"
#include "penstock/plugin.h"

namespace penstock::host {

/// A plugin's keys as a definition; copies all text. A null name or doc becomes "", which
/// Definition::defects() reports.
config::Definition definition_of(std::span<const ConfigKey> keys);

/// Checked settings as a plugin sees them.
class PluginConfig final : public Config {
 public:
  explicit PluginConfig(config::Settings settings) : settings_(std::move(settings)) {}

  [[nodiscard]] std::string_view text(std::string_view key) const override {
    return settings_.text(key);
  }
  [[nodiscard]] std::int64_t number(std::string_view key) const override {
    return settings_.number(key);
  }
  [[nodiscard]] double real(std::string_view key) const override { return settings_.real(key); }
  [[nodiscard]] bool flag(std::string_view key) const override { return settings_.flag(key); }
  [[nodiscard]] std::span<const std::string_view> list(std::string_view key) const override {
    return settings_.list(key);
  }
  [[nodiscard]] bool given(std::string_view key) const override { return settings_.given(key); }

 private:
  config::Settings settings_;
};

/// Where Connector::validate() reports. Texts are kept once a key.
class ProblemList final : public Problems {
 public:
  void add(std::string_view key, std::string_view text) override;
  [[nodiscard]] std::span<const config::Problem> problems() const { return problems_; }

 private:
  std::vector<config::Problem> problems_;
};

/// What Connector::tasks() planned: one map for each task, the connector's own settings with the
/// task's on top.
class PlannedTasks final : public TaskConfigs {
 public:
  PlannedTasks(config::Map base, std::span<const ConfigKey> keys, int max);
  /// Throws std::logic_error beyond `max` tasks, before the first add(), and for a key that is not
  /// declared.
  void add() override;
  void set(std::string_view key, std::string_view value) override;
  [[nodiscard]] std::span<const config::Map> tasks() const { return tasks_; }

 private:
  config::Map base_;
  std::vector<std::string> declared_;
  std::size_t max_;
  std::vector<config::Map> tasks_;
};

}  // namespace penstock::host
