#include <nlohmann/json.hpp>
#include <utility>

#include "broker/metadata/sqlite_topics.h"
#include "broker/metadata/topic_answers.h"
#include "broker/metadata/topic_config.h"

// The part of SqliteTopics that keeps broker settings changed at run time: one entry for all
// brokers, one for this broker.
namespace penstock::broker {

using protocol::ErrorCode;

namespace {

constexpr std::string_view kPrefix = "broker_config/";
constexpr std::string_view kCluster = "default";

}  // namespace

std::string SqliteTopics::broker_config_key(bool own) const {
  return std::string(kPrefix) +
         (own ? std::to_string(broker_.settings().node_id.value) : std::string(kCluster));
}

Status SqliteTopics::read_broker_config() {
  std::map<std::string, std::string> values[2];
  for (const bool own : {false, true}) {
    const std::string key = broker_config_key(own);
    PENSTOCK_ASSIGN_OR_RETURN(const auto entry, store_->get(key));
    if (!entry) continue;
    const auto json = nlohmann::json::parse(entry->value, nullptr, false);
    try {
      values[own ? 1 : 0] = json.get<std::map<std::string, std::string>>();
    } catch (const nlohmann::json::exception& e) {
      return fail(Errc::kCorrupt, key + ": " + e.what());
    }
    broker_config_revision_[own ? 1 : 0] = entry->revision;
  }
  auto config = make_broker_config(broker_.settings().topic_defaults, std::move(values[0]),
                                   std::move(values[1]));
  if (!config) return tl::make_unexpected(config.error().in("settings stored by AlterConfigs"));
  PENSTOCK_ASSIGN_OR_RETURN(config->groups, read_group_configs());
  publish_broker_config(std::move(*config), [] {});
  return {};
}

void SqliteTopics::publish_broker_config(BrokerConfig config, UniqueFunction<void()> done) {
  broker_config_ = std::make_shared<const BrokerConfig>(std::move(config));
  broker_.registry().configure(broker_config_, std::move(done));
}

void SqliteTopics::alter_broker(bool own, std::map<std::string, std::optional<std::string>> changes,
                                bool validate_only, AlterDone done) {
  broker_.control().post(
      [this, own, changes = std::move(changes), validate_only, done = std::move(done)]() mutable {
        alter_broker_now(own, changes, validate_only, std::move(done));
      });
}

void SqliteTopics::alter_broker_now(
    bool own, const std::map<std::string, std::optional<std::string>>& changes, bool validate_only,
    AlterDone done) {
  auto cluster = broker_config_->cluster;
  auto mine = broker_config_->own;
  std::map<std::string, std::string>& values = own ? mine : cluster;
  apply_changes(changes, values);
  const nlohmann::json json(values);
  auto config =
      make_broker_config(broker_.settings().topic_defaults, std::move(cluster), std::move(mine));
  if (!config) return done(ApiError{ErrorCode::kInvalidRequest, config.error().text});
  config->groups = broker_config_->groups;
  for (const auto& [name, topic] : topics_) {
    if (auto good = with_overrides(config->topic_defaults, topic.overrides); !good) {
      return done(ApiError{ErrorCode::kInvalidRequest,
                           "Topic " + name + " would not agree: " + good.error().text});
    }
  }
  if (validate_only) return done(std::nullopt);
  std::int64_t& revision = broker_config_revision_[own ? 1 : 0];
  if (auto stored = commit({{broker_config_key(own), json.dump(), revision}}, revision); !stored)
    return done(not_stored(stored.error()).value());
  publish_broker_config(std::move(*config),
                        [done = std::move(done)]() mutable { done(std::nullopt); });
}

}  // namespace penstock::broker
