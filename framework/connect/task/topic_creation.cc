#include "framework/connect/task/topic_creation.h"

#include "framework/connect/task/error_policy.h"

namespace penstock::connect {
namespace {
constexpr int kTimeoutMs = 30'000;
constexpr std::string_view kDefault = "topic.creation.default.";
}  // namespace

Result<std::unique_ptr<TopicCreation>> TopicCreation::make(const ConfigMap& client,
                                                           const ConfigMap& config) {
  auto out = std::make_unique<TopicCreation>();
  out->client_ = client;
  out->config_ = config;
  if (!text_setting(config, "topic.creation.groups", "").empty()) {
    return fail(Errc::kUnsupported,
                "topic.creation.groups: only the default group is available in this version");
  }
  rdkafka::NewTopic topic;
  bool any = false;
  for (const auto& [key, value] : config) {
    if (!key.starts_with(kDefault)) continue;
    any = true;
    const auto name = key.substr(kDefault.size());
    if (name == "partitions" || name == "replication.factor") {
      PENSTOCK_ASSIGN_OR_RETURN(const auto number, number_setting(config, key, -1, -1));
      if (number == 0) return fail(Errc::kInvalid, key + ": must be -1 or at least 1, not 0");
      (name == "partitions" ? topic.partitions : topic.replication_factor) =
          static_cast<int>(number);
    } else {
      topic.config[name] = value;
    }
  }
  if (any) out->pattern_ = std::move(topic);
  return out;
}

Status TopicCreation::create(const rdkafka::NewTopic& topic) {
  PENSTOCK_ASSIGN_OR_RETURN(const auto settings,
                            rdkafka::client_settings(rdkafka::Role::kAdmin, client_, config_));
  // A connection and its threads are not worth keeping between rare topics.
  PENSTOCK_ASSIGN_OR_RETURN(const auto admin, rdkafka::Admin::open(settings));
  // Asked first: whoever may write to a topic need not be allowed to create it.
  PENSTOCK_ASSIGN_OR_RETURN(const bool there, admin->topic_exists(topic.name, kTimeoutMs));
  return there ? Status() : admin->create_topic(topic, kTimeoutMs);
}

Status TopicCreation::ensure(std::string_view topic) {
  if (!pattern_ || topic == last_) return {};
  auto found = done_.find(topic);
  if (found == done_.end()) {
    auto wanted = *pattern_;
    wanted.name = topic;
    PENSTOCK_RETURN_IF_ERROR(create(wanted));
    found = done_.insert(std::string(topic)).first;
  }
  last_ = *found;
  return {};
}

Status TopicCreation::ensure_dead_letters(const std::string& topic, int replication_factor) {
  if (done_.contains(topic)) return {};
  rdkafka::NewTopic wanted;
  wanted.name = topic;
  wanted.partitions = 1;
  wanted.replication_factor = replication_factor;
  PENSTOCK_RETURN_IF_ERROR(create(wanted));
  done_.insert(topic);
  return {};
}

}  // namespace penstock::connect
