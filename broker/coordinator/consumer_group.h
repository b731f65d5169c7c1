#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/ids.h"

// A group of the consumer protocol (KIP-848) as plain data: the server assigns, members follow by
// heartbeats. consumer_group_stepper.h changes it.
namespace penstock::broker {

inline constexpr std::int32_t kLeaveEpoch = -1;
inline constexpr std::int32_t kLeaveStaticEpoch = -2;

/// The topics that groups may subscribe to, at one moment. Immutable.
struct GroupTopics {
  struct Topic {
    Uuid id;
    std::int32_t partitions = 0;
  };
  std::uint64_t version = 0;  // tells two moments apart
  std::map<std::string, Topic, std::less<>> by_name;
  std::map<Uuid, std::string> names;
};
using GroupTopicsRef = std::shared_ptr<const GroupTopics>;

/// Partitions by topic.
using Assignment = std::map<Uuid, std::set<std::int32_t>>;
/// Partitions by topic, each with the member epoch at which it was given (KIP-1251).
using Holdings = std::map<Uuid, std::map<std::int32_t, std::int32_t>>;
[[nodiscard]] Assignment partitions_of(const Holdings& holdings);

struct GroupProtocol {
  std::string name;
  std::string metadata;
  bool operator==(const GroupProtocol&) const = default;
};
/// Bytes of metadata.
[[nodiscard]] inline std::size_t bytes_of(const std::vector<GroupProtocol>& protocols) {
  std::size_t out = 0;
  for (const GroupProtocol& protocol : protocols) out += protocol.metadata.size();
  return out;
}

/// Of a member that speaks the classic protocol in a group of the consumer protocol.
struct ClassicMembership {
  std::int32_t session_timeout_ms = 0;
  std::vector<GroupProtocol> protocols;  // at least one; the first counts
  bool operator==(const ClassicMembership&) const = default;
};

/// As stored by Kafka.
enum class ConsumerMemberState : std::int8_t {
  kStable = 0,
  kUnrevoked = 1,   // has to let go of partitions before it gets on to the next epoch
  kUnreleased = 2,  // waits for partitions that others have not let go of
};

struct ConsumerMember {
  std::string id;
  std::optional<std::string> instance_id;
  std::optional<std::string> rack_id;
  std::string client_id;
  std::string client_host;
  std::set<std::string, std::less<>> topics;
  std::string regex;  // empty: none
  std::int32_t rebalance_timeout_ms = -1;
  std::optional<std::string> assignor;
  std::optional<ClassicMembership> classic;

  std::int32_t epoch = 0;  // kLeaveStaticEpoch: it left for a while
  std::int32_t previous_epoch = 0;
  ConsumerMemberState state = ConsumerMemberState::kStable;
  Holdings assigned;
  Holdings revoking;

  std::int64_t session_deadline_ms = 0;               // steady
  std::optional<std::int64_t> rebalance_deadline_ms;  // steady; while kUnrevoked
  // Of classic members instead, steady: until when it has to join again, or to ask for what it got.
  std::optional<std::int64_t> join_deadline_ms;
  std::optional<std::int64_t> sync_deadline_ms;

  /// Whether the parts that are stored as its subscription are the same.
  [[nodiscard]] bool same_subscription(const ConsumerMember& other) const;
  /// Whether the parts that are stored as its current assignment are the same.
  [[nodiscard]] bool same_assignment(const ConsumerMember& other) const;
};

/// What a regular expression matched, as of some version of the topics.
struct ResolvedRegex {
  std::set<std::string, std::less<>> topics;
  std::uint64_t topics_version = 0;
  std::int64_t resolved_ms = 0;  // wall
};

struct ConsumerGroup {
  std::int32_t epoch = 0;
  std::int32_t assignment_epoch = 0;  // of `targets`
  std::int64_t assigned_ms = 0;       // wall; when `targets` were computed, 0: not known
  std::int64_t metadata_hash = 0;     // of the topics subscribed to
  std::uint64_t topics_version = 0;   // that the hash was made of; 0: look again
  std::map<std::string, ConsumerMember> members;
  std::map<std::string, std::string> static_members;  // instance id to member id
  std::map<std::string, Assignment> targets;          // by member
  std::map<std::string, ResolvedRegex> regexes;

  /// Gives one of `members` an instance id, or none; the one that it had is nobody's then.
  void set_instance(ConsumerMember& member, std::optional<std::string> instance_id);
  /// What its instance id was is nobody's; for a member that goes away.
  void release_instance(const ConsumerMember& member);
};

/// Kinds of records in __consumer_offsets: the versions of their keys.
enum class ConsumerRecord : std::int16_t {
  kClassic = 2,  // the group itself while it is one of the classic protocol
  kGroup = 3,
  kPartitions = 4,
  kMember = 5,
  kTargetEpoch = 6,
  kTarget = 7,
  kCurrent = 8,
  kRegex = 16,
};
struct ConsumerRecordKey {
  ConsumerRecord kind = ConsumerRecord::kGroup;
  std::string group;
  std::string name;  // a member id, or a regular expression
  auto operator<=>(const ConsumerRecordKey&) const = default;
};

/// Whether somebody else has not let go of a partition that the member is to get.
[[nodiscard]] bool waits_for_others(const ConsumerGroup& group, const ConsumerMember& member);
/// Kafka's name: Empty, Assigning, Reconciling or Stable.
[[nodiscard]] std::string_view state_name(const ConsumerGroup& group);
/// Topics that the member reads, its regular expression included.
[[nodiscard]] std::set<std::string, std::less<>> topics_of(const ConsumerGroup& group,
                                                           const ConsumerMember& member);
/// Topics that any member reads.
[[nodiscard]] std::set<std::string, std::less<>> subscribed_topics(const ConsumerGroup& group);
/// The assignor of ours that most members prefer, or `fallback`.
[[nodiscard]] std::string assignor_of(const ConsumerGroup& group, const std::string& fallback);

}  // namespace penstock::broker
