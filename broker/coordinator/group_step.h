#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "broker/coordinator/group.h"

namespace penstock::broker {

// What can happen to a group.

struct JoinEvent {
  AnswerId answer = 0;
  std::string member_id;      // empty: not a member yet
  std::string new_member_id;  // used if one has to be made
  std::optional<std::string> instance_id;
  std::string client_id;
  std::string client_host;
  std::string protocol_type;
  std::vector<GroupProtocol> protocols;
  std::int32_t session_timeout_ms = 0;
  std::int32_t rebalance_timeout_ms = 0;
  bool member_id_required = false;     // JoinGroup v4+
  bool skip_assignment_known = false;  // JoinGroup v9+
  GroupTopicsRef known_topics = {};    // here and below: for groups of the consumer protocol
};
struct SyncEvent {
  AnswerId answer = 0;
  std::int32_t generation = -1;
  std::string member_id;
  std::optional<std::string> instance_id;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol;
  std::map<std::string, std::string> assignments;
  GroupTopicsRef known_topics = {};
};
struct HeartbeatEvent {
  AnswerId answer = 0;
  std::int32_t generation = -1;
  std::string member_id;
  std::optional<std::string> instance_id;
  GroupTopicsRef known_topics = {};
};
struct LeaveEvent {
  struct Who {
    std::string member_id;
    std::optional<std::string> instance_id;
  };
  AnswerId answer = 0;
  std::vector<Who> members;
  GroupTopicsRef known_topics = {};
};
struct CommitEvent {
  AnswerId answer = 0;
  std::int32_t generation = -1;
  std::string member_id;
  std::optional<std::string> instance_id;
  std::vector<std::pair<TopicPartition, CommittedOffset>> offsets;
  bool knows_epochs = false;       // OffsetCommit v9+
  std::int64_t retention_ms = -1;  // OffsetCommit v2-4; -1: as the broker's settings say
  GroupTopicsRef known_topics;     // for members of the consumer protocol
};
/// TxnOffsetCommit: the offsets count when the transaction is committed. All its versions that name
/// a member may name one of the consumer protocol.
struct TransactionalCommitEvent : CommitEvent {
  TransactionalCommitEvent() { knows_epochs = true; }
  std::int64_t producer_id = -1;
  std::int16_t producer_epoch = -1;
  std::uint64_t guard = 0;  // as in Partition::append()
};
/// The marker of the producer's transaction was written.
struct TransactionEndedEvent {
  std::int64_t producer_id = -1;
  bool commit = false;
};
/// DeleteGroups.
struct DeleteEvent {
  AnswerId answer = 0;
};
/// OffsetDelete. Topics that a live consumer group subscribes to are kept.
struct DeleteOffsetsEvent {
  AnswerId answer = 0;
  std::vector<TopicPartition> offsets;
};
/// The topic is gone; so are the offsets in it that were committed until then: a topic of the same
/// name may have come after it.
struct TopicDeletedEvent {
  std::string topic;
  std::int64_t until_ms = std::numeric_limits<std::int64_t>::max();  // wall
  AnswerId answer = 0;
};
/// ConsumerGroupHeartbeat (KIP-848). Empty optionals: as in the last one.
struct ConsumerHeartbeatEvent {
  AnswerId answer = 0;
  std::string member_id;
  std::int32_t epoch = 0;  // 0: joins; kLeaveEpoch, kLeaveStaticEpoch
  std::optional<std::string> instance_id;
  std::optional<std::string> rack_id;
  std::int32_t rebalance_timeout_ms = -1;
  std::optional<std::set<std::string, std::less<>>> topics;
  std::optional<std::string> regex;  // empty: none any more
  std::optional<std::string> assignor;
  std::optional<Assignment> owned;
  std::string client_id;
  std::string client_host;
  GroupTopicsRef known_topics;
};
/// An append came through, or did not.
struct StoredEvent {
  StoreId store = 0;
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
};
/// wake_ms() has come, or may have.
struct TickEvent {
  GroupTopicsRef known_topics = {};
};
/// Looks for offsets that nobody needs any more (offsets.retention.minutes, KIP-211).
struct ExpireOffsetsEvent {};

using GroupEvent = std::variant<JoinEvent, SyncEvent, HeartbeatEvent, LeaveEvent, CommitEvent,
                                TransactionalCommitEvent, TransactionEndedEvent, DeleteEvent,
                                DeleteOffsetsEvent, TopicDeletedEvent, ConsumerHeartbeatEvent,
                                StoredEvent, TickEvent, ExpireOffsetsEvent>;

// What has to be done about it.

struct SyncAnswer {
  AnswerId to = 0;
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol;
  std::string assignment;
};
/// Of Heartbeat, OffsetCommit, TxnOffsetCommit, DeleteGroups and TopicDeletedEvent.
struct CodeAnswer {
  AnswerId to = 0;
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
};
/// OffsetDelete: `kept` are subscribed to. A group-wide error leaves it empty.
struct DeleteOffsetsAnswer {
  AnswerId to = 0;
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  std::vector<TopicPartition> kept;
};
/// Append these records as one batch to the group's partition of __consumer_offsets and report with
/// StoredEvent. Appends happen, and are confirmed, in the order of the effects.
struct Store {
  struct Record {
    std::string key;
    std::optional<std::string> value;  // none: a tombstone
  };
  /// Of a transaction.
  struct Producer {
    std::int64_t id = -1;
    std::int16_t epoch = -1;
    std::uint64_t guard = 0;
  };
  StoreId store = 0;
  std::vector<Record> records;
  std::optional<Producer> producer = {};
};
using GroupEffect = std::variant<JoinAnswer, SyncAnswer, CodeAnswer, LeaveAnswer,
                                 DeleteOffsetsAnswer, ConsumerHeartbeatAnswer, Store>;
using GroupEffects = std::vector<GroupEffect>;

/// Moves `group` on. Every AnswerId that went in comes out exactly once, in this or in a later
/// call. A group in kDead with no stores left is to be forgotten, and so is one that is_void().
[[nodiscard]] GroupEffects step(Group& group, GroupEvent event, Moment now,
                                const GroupLimits& limits);

/// Makes the offsets of the producer's transaction the group's, or drops them.
void end_transaction(Group& group, std::int64_t producer_id, bool commit);
/// Removes the partition's offsets that were stored before `before`, those of open transactions
/// included.
void remove_offset(Group& group, const TopicPartition& partition, StoreId before);

/// When TickEvent is due next (steady); nullopt: nothing is waited for.
[[nodiscard]] std::optional<std::int64_t> wake_ms(const Group& group);

/// Topics that the members of a `consumer` group, of either protocol, subscribe to; nullopt when a
/// subscription cannot be read.
[[nodiscard]] std::optional<std::set<std::string, std::less<>>> subscribed_topics(
    const Group& group);

}  // namespace penstock::broker
