#include <nlohmann/json.hpp>
#include <utility>

#include "broker/metadata/sqlite_topics.h"
#include "broker/metadata/topic_answers.h"

// The part of SqliteTopics that keeps settings of single groups: one entry each that has any.
namespace penstock::broker {

using protocol::ErrorCode;

namespace {

constexpr std::string_view kPrefix = "group_config/";

/// Names of groups may be any bytes.
std::string key_of(const std::string& group) {
  return std::string(kPrefix) +
         nlohmann::json(group).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

Result<std::map<std::string, GroupConfig, std::less<>>> SqliteTopics::read_group_configs() {
  PENSTOCK_ASSIGN_OR_RETURN(const auto stored, values(kPrefix));
  std::map<std::string, GroupConfig, std::less<>> out;
  for (const auto& [key, value] : stored) {
    try {
      const auto group = nlohmann::json::parse(key.substr(kPrefix.size())).get<std::string>();
      out[group] = nlohmann::json::parse(value).get<GroupConfig>();
    } catch (const nlohmann::json::exception& e) {
      return fail(Errc::kCorrupt, key + ": " + e.what());
    }
  }
  return out;
}

void SqliteTopics::alter_group(std::string group,
                               std::map<std::string, std::optional<std::string>> changes,
                               bool validate_only, AlterDone done) {
  broker_.control().post([this, group = std::move(group), changes = std::move(changes),
                          validate_only, done = std::move(done)]() mutable {
    alter_group_now(group, changes, validate_only, std::move(done));
  });
}

void SqliteTopics::alter_group_now(const std::string& group,
                                   const std::map<std::string, std::optional<std::string>>& changes,
                                   bool validate_only, AlterDone done) {
  BrokerConfig config = *broker_config_;
  GroupConfig& own = config.groups[group];
  apply_changes(changes, own);
  if (auto wrong = wrong_group_config(own, broker_.settings().coordinator.limits))
    return done(ApiError{ErrorCode::kInvalidConfig, std::move(*wrong)});
  if (validate_only) return done(std::nullopt);
  std::optional<std::string> value;
  if (own.empty())
    config.groups.erase(group);
  else
    value = nlohmann::json(own).dump();
  if (auto stored = store_values({{key_of(group), std::move(value)}}); !stored)
    return done(not_stored(stored.error()).value());
  publish_broker_config(std::move(config),
                        [done = std::move(done)]() mutable { done(std::nullopt); });
}

}  // namespace penstock::broker
