#include "broker/features.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "broker/broker.h"

namespace penstock::broker {

using protocol::ErrorCode;

namespace {
constexpr std::string_view kKey = "features";

constexpr std::array kFeatures = {
    FeatureDef{"group.version", 0, 1, &FeatureLevels::group_version},
    FeatureDef{"transaction.version", 0, 2, &FeatureLevels::transaction_version},
};

bool offered(const FeatureDef& def, std::int64_t level) {
  return level >= def.low && level <= def.high;
}

/// What is wrong with it; empty: nothing.
std::string problem(const FeatureDef* def, const FeatureUpdate& update, std::int16_t now) {
  const auto low = static_cast<std::int8_t>(UpgradeType::kUpgrade);
  const auto high = static_cast<std::int8_t>(UpgradeType::kUnsafeDowngrade);
  const auto type = static_cast<std::int8_t>(update.type);
  if (type < low || type > high) return "There is no upgrade type " + std::to_string(type) + ".";
  if (update.level < 0) return "A feature version cannot be less than 0.";
  if (def == nullptr) return "This broker does not support the feature.";
  if (!offered(*def, update.level)) {
    return "This broker only supports versions " + std::to_string(def->low) + "-" +
           std::to_string(def->high) + ".";
  }
  const bool upgrade = update.type == UpgradeType::kUpgrade;
  if (update.level < now && upgrade)
    return "A lower version needs the upgrade type of a downgrade, safe or unsafe.";
  if (update.level > now && !upgrade) return "A downgrade cannot lead to a newer version.";
  return "";
}

Status unreadable(std::string_view what) {
  return fail(Errc::kCorrupt, std::string(kKey) + " in the metadata store: " + std::string(what));
}
}  // namespace

std::span<const FeatureDef> feature_defs() { return kFeatures; }

const FeatureDef* find_feature(std::string_view name) {
  const auto at = std::find_if(kFeatures.begin(), kFeatures.end(),
                               [&](const FeatureDef& def) { return def.name == name; });
  return at == kFeatures.end() ? nullptr : &*at;
}

tl::expected<FeatureLevels, ApiError> updated(FeatureLevels levels,
                                              const std::vector<FeatureUpdate>& updates) {
  for (const FeatureUpdate& update : updates) {
    const FeatureDef* def = find_feature(update.feature);
    const std::int16_t now = def == nullptr ? std::int16_t{0} : levels.*def->level;
    if (const std::string wrong = problem(def, update, now); !wrong.empty()) {
      return tl::make_unexpected(ApiError{ErrorCode::kInvalidUpdateVersion,
                                          "Invalid update version " + std::to_string(update.level) +
                                              " for feature " + update.feature + ". " + wrong});
    }
    levels.*def->level = update.level;
  }
  return levels;
}

Status load_features(Broker& broker) {
  auto stored = broker.topic_admin().values(kKey);
  if (!stored) return tl::make_unexpected(stored.error());
  const auto at = std::find_if(stored->begin(), stored->end(),
                               [](const auto& value) { return value.first == kKey; });
  if (at == stored->end()) return {};
  const auto json = nlohmann::json::parse(at->second, nullptr, false);
  if (!json.is_object() || !json.contains("epoch") || !json["epoch"].is_number_integer())
    return unreadable("cannot be read");
  FeatureLevels levels;
  const auto epoch = json["epoch"].get<std::int64_t>();
  if (epoch < 1 || epoch > INT32_MAX) return unreadable("the epoch is not valid");
  levels.epoch = static_cast<std::int32_t>(epoch);
  for (const FeatureDef& def : kFeatures) {
    const auto level = json.find(std::string(def.name));
    if (level == json.end()) continue;
    if (!level->is_number_integer() || !offered(def, level->get<std::int64_t>()))
      return unreadable("this broker does not know that level of " + std::string(def.name));
    levels.*def.level = level->get<std::int16_t>();
  }
  broker.features().set(levels);
  return {};
}

Status store_features(Broker& broker, FeatureLevels levels) {
  nlohmann::json json = {{"epoch", levels.epoch}};
  for (const FeatureDef& def : kFeatures) json[std::string(def.name)] = levels.*def.level;
  std::vector<std::pair<std::string, std::optional<std::string>>> values;
  values.emplace_back(std::string(kKey), json.dump());
  PENSTOCK_RETURN_IF_ERROR(broker.topic_admin().store_values(std::move(values)));
  broker.features().set(levels);
  return {};
}

}  // namespace penstock::broker
