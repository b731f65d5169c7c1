#include "framework/connect/task/contexts.h"

#include <algorithm>
#include <stdexcept>

#include "framework/client/topic_ids.h"

namespace penstock::connect {
namespace {

constexpr int kTopicIdTimeoutMs = 10'000;
constexpr int kTopicCheckTimeoutMs = 1'000;

}  // namespace

void TaskBasics::count(std::string_view metric, double by) {
  const std::lock_guard lock(mutex_);
  auto found = counters_.find(metric);
  if (found == counters_.end()) found = counters_.emplace(std::string(metric), 0.0).first;
  found->second += by;
}

void TaskBasics::add_counters(std::map<std::string, double>& values) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, value] : counters_) values["plugin." + name] = value;
}

void SinkTaskContext::seek(const TopicPartition& at) {
  if (!may_seek_) throw std::logic_error("SinkContext::seek() was called outside open()");
  seeks_.push_back({std::string(at.topic), at.partition, at.next_offset});
}

void SinkTaskContext::reject(const Record& record, std::string_view why) {
  if (!may_reject_) throw std::logic_error("SinkContext::reject() was called outside put()");
  rejects_.push_back(
      {std::string(record.topic), record.partition, record.offset, std::string(why)});
}

std::int64_t SinkTaskContext::passed(std::string_view topic, std::int32_t partition) const {
  const auto found = passed_.find({std::string(topic), partition});
  return found == passed_.end() ? -1 : std::max<std::int64_t>(found->second, -1);
}

std::string_view SinkTaskContext::topic_id(std::string_view topic) {
  auto found = topic_ids_.find(topic);
  if (found == topic_ids_.end()) {
    std::string id;
    if (!bootstrap_.empty()) {
      const std::string name(topic);
      const auto ids = client::topic_ids(bootstrap_, {name}, kTopicIdTimeoutMs);
      if (!ids) throw RetriableError(ids.error().text);
      if (const auto known = ids->find(name); known != ids->end()) id = known->second.text();
    }
    found = topic_ids_.emplace(std::string(topic), std::move(id)).first;
  }
  return found->second;
}

Status SinkTaskContext::check_topic_ids() {
  std::vector<std::string> topics;
  for (const auto& [topic, id] : topic_ids_) {
    if (!id.empty()) topics.push_back(topic);
  }
  if (topics.empty()) return {};
  const auto ids = client::topic_ids(bootstrap_, topics, kTopicCheckTimeoutMs);
  if (!ids) return {};  // asked again soon
  for (const auto& [topic, id] : *ids) {
    if (id.text() == topic_ids_[topic]) continue;
    return fail(Errc::kConflict,
                "topic \"" + topic +
                    "\" was deleted and made again while it was read (its id was " +
                    topic_ids_[topic] + " and is " + id.text() + "); the task has to start again");
  }
  return {};
}

Status refuse_unavailable(const ConfigMap& config) {
  for (const char* key : {"transforms", "predicates"}) {
    const auto found = config.find(key);
    if (found != config.end() && !found->second.empty()) {
      return fail(
          Errc::kUnsupported,
          std::string(key) + ": transforms are not available in this version; remove the setting");
    }
  }
  const auto exactly_once = config.find("exactly.once.support");
  if (exactly_once != config.end() && exactly_once->second == "required") {
    return fail(Errc::kUnsupported,
                "exactly.once.support: required is not available for sources in this version");
  }
  return {};
}

}  // namespace penstock::connect
