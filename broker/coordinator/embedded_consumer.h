#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

// What consumers of the classic protocol (protocol type `consumer`) put into JoinGroup and
// SyncGroup: ConsumerProtocolSubscription and ConsumerProtocolAssignment, versions 0-3 (v1 owned
// partitions, v2 generation, v3 rack). A newer version is read as v3, as in Kafka.
namespace penstock::broker {

using NamedPartitions = std::map<std::string, std::set<std::int32_t>>;  // by topic

struct EmbeddedSubscription {
  std::int16_t version = 0;
  std::set<std::string, std::less<>> topics;
  NamedPartitions owned;
  std::optional<std::string> rack_id;
};
struct EmbeddedAssignment {
  NamedPartitions partitions;
  bool has_user_data = false;
};

/// nullopt when it is malformed.
[[nodiscard]] std::optional<EmbeddedSubscription> read_subscription(std::string_view bytes);
/// The topics alone, which begin a subscription of any version; nullopt when they are malformed.
[[nodiscard]] std::optional<std::set<std::string, std::less<>>> read_subscribed_topics(
    std::string_view bytes);
/// nullopt when it is malformed. No bytes at all are an empty assignment.
[[nodiscard]] std::optional<EmbeddedAssignment> read_assignment(std::string_view bytes);
/// The assignment for a member whose subscription has `version`.
[[nodiscard]] std::string write_assignment(const NamedPartitions& partitions, std::int16_t version);

}  // namespace penstock::broker
