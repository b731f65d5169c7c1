#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "broker/coordinator/consumer_group.h"
#include "framework/protocol/error_code.h"

// One group as plain data: of the classic protocol, or, with `consumer`, of the newer one. Nothing
// here reads a clock, a socket or a file: group_step.h changes it.
namespace penstock::broker {

/// Names an answer that somebody waits for. 0: nobody does.
using AnswerId = std::uint64_t;
/// Names an append that was asked for and not confirmed yet. Rises within a group.
using StoreId = std::uint64_t;

/// The two clocks at one moment: deadlines use the steady one, what is stored uses the wall clock.
struct Moment {
  std::int64_t steady_ms = 0;
  std::int64_t wall_ms = 0;
};

/// Whether a group with members may change its protocol (group.consumer.migration.policy).
enum class MigrationPolicy : std::uint8_t { kDisabled, kUpgrade, kDowngrade, kBidirectional };

/// Settings of the coordinator, with Kafka's names in coordinator_settings.cc.
struct GroupLimits {
  std::int64_t initial_rebalance_delay_ms = 100;  // Kafka: 3000
  std::int32_t session_timeout_min_ms = 6'000;
  std::int32_t session_timeout_max_ms = 1'800'000;
  std::int32_t members_max = 2'147'483'647;
  std::int64_t offsets_retention_ms = 7LL * 24 * 3600 * 1000;
  std::size_t offset_metadata_bytes_max = 4096;
  // Of the consumer protocol.
  std::int32_t consumer_heartbeat_ms = 5'000;
  std::int32_t consumer_heartbeat_min_ms = 5'000;  // of settings of single groups
  std::int32_t consumer_heartbeat_max_ms = 15'000;
  std::int32_t consumer_session_timeout_ms = 45'000;
  std::int32_t consumer_session_timeout_min_ms = 45'000;
  std::int32_t consumer_session_timeout_max_ms = 60'000;
  std::int32_t consumer_members_max = 2'147'483'647;
  std::int32_t consumer_assignment_interval_ms = 0;  // between two new targets (Kafka: 1000)
  std::int32_t consumer_assignment_interval_min_ms = 0;
  std::int32_t consumer_assignment_interval_max_ms = 15'000;
  std::vector<std::string> assignors = {"uniform", "range"};  // the first is the default
  MigrationPolicy migration = MigrationPolicy::kBidirectional;
  // Of classic members in groups of the consumer protocol, whose change is one batch.
  std::size_t classic_bytes_max = 25 << 20;
};

enum class GroupState : std::uint8_t {
  kEmpty,
  kPreparingRebalance,
  kCompletingRebalance,
  kStable,
  kDead
};
/// Kafka's name, e.g. "PreparingRebalance".
[[nodiscard]] std::string_view to_string(GroupState state);

struct Member {
  std::string id;
  std::optional<std::string> instance_id;
  std::string client_id;
  std::string client_host;
  std::int32_t session_timeout_ms = 0;
  std::int32_t rebalance_timeout_ms = 0;
  std::vector<GroupProtocol> protocols;
  std::string assignment;
  AnswerId join_answer = 0;  // it waits for the rebalance to complete
  AnswerId sync_answer = 0;  // it waits for the leader's assignment
  bool is_new = false;       // never saw a rebalance complete
  std::int64_t expires_ms =
      0;  // steady; not looked at while it waits for an answer, unless it is new

  [[nodiscard]] const std::string* metadata(std::string_view protocol) const;
};

using TopicPartition = std::pair<std::string, std::int32_t>;

struct CommittedOffset {
  std::int64_t offset = -1;
  std::int32_t leader_epoch = -1;
  std::string metadata;
  std::int64_t commit_ms = 0;   // wall
  std::int64_t expire_ms = -1;  // wall, of a commit with a retention time of its own
  StoreId order = 0;            // of its record among the group's, in memory only
  bool operator==(const CommittedOffset& other) const {
    return offset == other.offset && leader_epoch == other.leader_epoch &&
           metadata == other.metadata && commit_ms == other.commit_ms &&
           expire_ms == other.expire_ms;
  }
};

/// What becomes true once an append is confirmed.
struct PendingAssignment {
  std::int32_t generation = 0;
  std::map<std::string, std::string> assignments;  // by member
};
struct PendingEmpty {};
struct PendingCommit {
  AnswerId answer = 0;
  std::vector<std::pair<TopicPartition, CommittedOffset>> offsets;
};
struct PendingTransactionalCommit {
  AnswerId answer = 0;
  std::int64_t producer_id = -1;
};
struct PendingRemoval {  // of offsets; with `whole`, of the group too
  AnswerId answer = 0;
  std::vector<TopicPartition> offsets;
  bool whole = false;
  bool offsets_answer = false;  // of OffsetDelete, with `kept`
  std::vector<TopicPartition> kept;
};

struct JoinedMember {
  std::string id;
  std::optional<std::string> instance_id;
  std::string metadata;
};
struct JoinAnswer {
  AnswerId to = 0;
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  std::int32_t generation = -1;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol;
  std::string leader;
  bool skip_assignment = false;
  std::string member_id;
  std::vector<JoinedMember> members;
};
struct ConsumerHeartbeatAnswer {
  AnswerId to = 0;
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  std::optional<std::string> message;  // with an error
  std::string member_id;
  std::int32_t epoch = 0;
  std::int32_t heartbeat_interval_ms = 0;
  std::optional<Assignment> assignment;
};
struct LeaveAnswer {
  struct Who {
    std::string member_id;
    std::optional<std::string> instance_id;
    protocol::ErrorCode error = protocol::ErrorCode::kNone;
  };
  AnswerId to = 0;
  protocol::ErrorCode error =
      protocol::ErrorCode::kNone;  // of the whole request; step() gives each member its own
  std::vector<Who> members;
};
struct PendingConsumer {  // records of the consumer protocol; who is answered then
  std::vector<ConsumerHeartbeatAnswer> heartbeats;
  std::vector<JoinAnswer> joins;  // of classic members
  std::vector<LeaveAnswer> leaves;
};
struct PendingStaticMember {
  JoinAnswer answer;  // goes out when the member's new id is stored
  std::string old_member_id;
};
using Pending = std::variant<PendingAssignment, PendingEmpty, PendingStaticMember, PendingCommit,
                             PendingTransactionalCommit, PendingRemoval, PendingConsumer>;

struct Group {
  std::string id;
  GroupState state = GroupState::kEmpty;
  std::int32_t generation = 0;
  std::optional<std::string> protocol_type;  // none: only simple consumers commit here
  std::optional<std::string> protocol;       // chosen by votes; none while empty
  std::optional<std::string> leader;         // a member id
  std::int64_t state_since_ms = -1;          // wall; of the move to kEmpty or kStable
  std::map<std::string, Member> members;
  std::map<std::string, std::string> static_members;  // instance id to member id
  std::map<std::string, std::int64_t>
      pending_members;  // ids handed out by MEMBER_ID_REQUIRED and when they lapse (steady)
  std::map<TopicPartition, CommittedOffset> offsets;
  /// By producer id: offsets in its open transaction, from the moment they are appended.
  std::map<std::int64_t, std::map<TopicPartition, CommittedOffset>> transactional;
  bool deleting = false;                  // tombstones are on their way
  std::optional<ConsumerGroup> consumer;  // then there are no classic members
  std::set<ConsumerRecordKey> unsaved;    // their append failed: what is stored may be older
  std::map<StoreId, std::set<ConsumerRecordKey>> saving;  // what those of `stores` append

  // While kPreparingRebalance.
  std::int64_t rebalance_deadline_ms = 0;   // steady
  std::int64_t initial_delay_left_ms = -1;  // -1: not the first rebalance of an empty group
  bool member_added = false;                // during the initial delay
  // While kCompletingRebalance: who has not synced, and until when it may take.
  std::set<std::string> unsynced;
  std::int64_t sync_deadline_ms = 0;

  StoreId next_store = 1;
  std::map<StoreId, Pending> stores;

  /// Whether nothing would be lost if it were forgotten.
  [[nodiscard]] bool is_void() const {
    return members.empty() && pending_members.empty() && offsets.empty() && stores.empty() &&
           transactional.empty() && generation == 0 && !consumer;
  }
  /// Whether an open transaction may yet change the partition's offset (KIP-447).
  [[nodiscard]] bool unstable(const TopicPartition& partition) const;
};

}  // namespace penstock::broker
