#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/topic_admin.h"
#include "framework/base/error.h"

namespace penstock::broker {

class Broker;

/// The level of group.version from which on groups may use the consumer protocol (KIP-848).
inline constexpr std::int16_t kGroupVersionConsumer = 1;

/// The levels in force. One word, so that a reader always has levels and epoch of the same moment.
struct FeatureLevels {
  std::int32_t epoch = 1;                // grows with every change
  std::int16_t transaction_version = 2;  // see transaction.h
  std::int16_t group_version = kGroupVersionConsumer;
  bool operator==(const FeatureLevels&) const = default;
};

/// A feature that clients are told of (KIP-584). metadata.version is not among them: it is about
/// Kafka's metadata log, and there is none.
struct FeatureDef {
  std::string_view name;
  std::int16_t low;
  std::int16_t high;
  std::int16_t FeatureLevels::*level;
};
[[nodiscard]] std::span<const FeatureDef> feature_defs();
[[nodiscard]] const FeatureDef* find_feature(std::string_view name);

/// The levels as all shards see them. Any thread; set by the control thread.
class Features {
 public:
  [[nodiscard]] FeatureLevels levels() const { return levels_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::int16_t transaction_version() const { return levels().transaction_version; }
  [[nodiscard]] std::int16_t group_version() const { return levels().group_version; }
  void set(FeatureLevels levels) { levels_.store(levels, std::memory_order_relaxed); }

 private:
  static_assert(std::atomic<FeatureLevels>::is_always_lock_free);
  std::atomic<FeatureLevels> levels_{FeatureLevels()};
};

/// UpdateFeatures' ways to change a level, as its version 1 numbers them.
enum class UpgradeType : std::int8_t { kUpgrade = 1, kSafeDowngrade = 2, kUnsafeDowngrade = 3 };

struct FeatureUpdate {
  std::string feature;
  std::int16_t level = 0;
  UpgradeType type = UpgradeType::kUpgrade;
};
/// The levels after all of the updates, the epoch as it was; or what is wrong with one of them
/// (kInvalidUpdateVersion).
[[nodiscard]] tl::expected<FeatureLevels, ApiError> updated(
    FeatureLevels levels, const std::vector<FeatureUpdate>& updates);

/// Both on the control thread. What is stored is in force when they return; where nothing is
/// stored, the highest levels are in force.
Status load_features(Broker& broker);
Status store_features(Broker& broker, FeatureLevels levels);

}  // namespace penstock::broker
