#include "framework/connect/host/plugin_config.h"

#include <algorithm>
#include <stdexcept>

namespace penstock::host {
namespace {

std::string text_or_empty(const char* text) {
  return text == nullptr ? std::string() : std::string(text);
}

config::Kind kind_of(ConfigKey::Kind kind) {
  switch (kind) {
    case ConfigKey::kString:
      return config::Kind::kString;
    case ConfigKey::kPassword:
      return config::Kind::kPassword;
    case ConfigKey::kInt:
      return config::Kind::kInt;
    case ConfigKey::kLong:
      return config::Kind::kLong;
    case ConfigKey::kDouble:
      return config::Kind::kDouble;
    case ConfigKey::kBool:
      return config::Kind::kBool;
    case ConfigKey::kList:
      return config::Kind::kList;
    case ConfigKey::kDuration:
      return config::Kind::kDuration;
    case ConfigKey::kBytes:
      return config::Kind::kBytes;
  }
  return config::Kind::kString;
}

config::Importance importance_of(ConfigKey::Importance importance) {
  switch (importance) {
    case ConfigKey::kHigh:
      return config::Importance::kHigh;
    case ConfigKey::kMedium:
      return config::Importance::kMedium;
    case ConfigKey::kLow:
      return config::Importance::kLow;
  }
  return config::Importance::kMedium;
}

}  // namespace

config::Definition definition_of(std::span<const ConfigKey> keys) {
  std::vector<config::Key> out;
  out.reserve(keys.size());
  for (const ConfigKey& key : keys) {
    config::Key& made = out.emplace_back();
    made.name = text_or_empty(key.name);
    made.kind = kind_of(key.kind);
    if (key.fallback != nullptr) made.fallback = key.fallback;
    made.doc = text_or_empty(key.doc);
    made.one_of = text_or_empty(key.one_of);
    made.pattern = text_or_empty(key.pattern);
    made.min = key.min;
    made.max = key.max;
    made.when = text_or_empty(key.when);
    made.importance = importance_of(key.importance);
    made.group = text_or_empty(key.group);
  }
  return config::Definition(std::move(out));
}

void ProblemList::add(std::string_view key, std::string_view text) {
  config::Problem problem{std::string(key), std::string(text)};
  if (std::find(problems_.begin(), problems_.end(), problem) == problems_.end())
    problems_.push_back(std::move(problem));
}

PlannedTasks::PlannedTasks(config::Map base, std::span<const ConfigKey> keys, int max)
    : base_(std::move(base)), max_(static_cast<std::size_t>(std::max(max, 0))) {
  for (const ConfigKey& key : keys) declared_.push_back(text_or_empty(key.name));
}

void PlannedTasks::add() {
  if (tasks_.size() >= max_)
    throw std::logic_error("more than tasks.max=" + std::to_string(max_) + " tasks");
  tasks_.push_back(base_);
}

void PlannedTasks::set(std::string_view key, std::string_view value) {
  if (tasks_.empty()) throw std::logic_error("set() before the first add()");
  if (std::find(declared_.begin(), declared_.end(), key) == declared_.end()) {
    throw std::logic_error("setting " + std::string(key) + " is not declared");
  }
  tasks_.back().insert_or_assign(std::string(key), std::string(value));
}

}  // namespace penstock::host
