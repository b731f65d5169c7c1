#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/coordinator/coordinator_settings.h"
#include "broker/coordinator/group_step.h"
#include "broker/topics.h"
#include "framework/base/bytes.h"
#include "framework/base/unique_function.h"
#include "framework/protocol/error_code.h"
#include "framework/record/batch.h"

namespace penstock::broker {

class BrokerShard;

/// The partition of __consumer_offsets where a group lives; nullptr while there is no such topic.
[[nodiscard]] PartitionRef partition_of_group(const Topics& topics, std::string_view group_id);
/// Where a coordinator's internal topic keeps what belongs to `key`; nullptr while there is no such
/// topic.
[[nodiscard]] PartitionRef partition_of_key(const Topics& topics, std::string_view internal_topic,
                                            std::string_view key);
/// Java's String.hashCode() of the text in UTF-16, made positive, modulo `partitions`.
[[nodiscard]] std::int32_t group_partition_index(std::string_view group_id,
                                                 std::int32_t partitions);

/// The groups of those partitions of __consumer_offsets that one shard owns. All calls on that
/// shard; answers are called there.
class GroupCoordinator {
 public:
  GroupCoordinator(BrokerShard& shard, const CoordinatorSettings& settings);
  ~GroupCoordinator();
  GroupCoordinator(const GroupCoordinator&) = delete;
  GroupCoordinator& operator=(const GroupCoordinator&) = delete;

  [[nodiscard]] const CoordinatorSettings& settings() const { return settings_; }

  /// Begins to read the partition, unless it was begun before. Until that is done everything is
  /// answered COORDINATOR_LOAD_IN_PROGRESS.
  void load(const PartitionRef& partition);

  /// Gives the event to the group; `answer` is called exactly once, or destroyed when the broker
  /// stops.
  template <class Answer, class Event>
  void submit(const PartitionRef& partition, const std::string& group_id, Event event,
              UniqueFunction<void(Answer&)> answer) {
    const protocol::ErrorCode error = ready(partition);
    if (error != protocol::ErrorCode::kNone) {
      Answer refused;
      refused.error = error;
      answer(refused);
      return;
    }
    event.answer = next_answer_++;
    waiting_.emplace(event.answer, [answer = std::move(answer)](GroupEffect& effect) mutable {
      if (auto* mine = std::get_if<Answer>(&effect)) answer(*mine);
    });
    feed(partition->index.value, group_id, std::move(event));
  }

  /// Shows the group as it is, or nullptr if there is none. kNone, or why it cannot be known now.
  template <class Look>
  [[nodiscard]] protocol::ErrorCode look(const PartitionRef& partition, const std::string& group_id,
                                         Look see) {
    const protocol::ErrorCode error = ready(partition);
    if (error == protocol::ErrorCode::kNone) see(find(partition->index.value, group_id));
    return error;
  }
  /// All groups of this shard. kNone, or why some cannot be known now.
  template <class Look>
  [[nodiscard]] protocol::ErrorCode look_at_all(Look see) const {
    auto error = protocol::ErrorCode::kNone;
    for (const auto& [index, slot] : slots_) {
      if (slot.state == SlotState::kLoading)
        error = protocol::ErrorCode::kCoordinatorLoadInProgress;
      if (slot.state == SlotState::kFailed) error = protocol::ErrorCode::kCoordinatorNotAvailable;
      // What is half loaded is no group yet.
      if (slot.state != SlotState::kReady) continue;
      for (const auto& [id, entry] : slot.groups) see(entry.group);
    }
    return error;
  }

  /// The topic is gone: so are all offsets in it that were committed until `until_ms`. `done` on
  /// this shard: whether the tombstones of all groups are stored; not called when the broker stops
  /// before that is known. Groups that are being loaded come to it when they are there.
  void topic_deleted(const std::string& topic, std::int64_t until_ms,
                     UniqueFunction<void(bool)> done);
  /// Whether the partition's groups are known.
  [[nodiscard]] bool is_ready(const PartitionRef& partition) {
    return ready(partition) == protocol::ErrorCode::kNone;
  }
  /// The marker of the producer's transaction is committed in the partition.
  void transaction_ended(const PartitionRef& partition, ProducerId producer, bool commit);
  /// The topics as this shard knows them now.
  [[nodiscard]] GroupTopicsRef topics();
  /// Everybody who waits is told to look for another coordinator; part of a stop.
  void stop();

 private:
  enum class SlotState : std::uint8_t { kLoading, kReady, kFailed };
  struct Entry {
    Group group;
    std::uint64_t timer = 0;
    std::int64_t timer_ms = 0;  // steady; when it fires
  };
  /// One deleted topic; the parts are the groups that have to forget it.
  struct Forgetting {
    std::string topic;
    std::int64_t until_ms;
    UniqueFunction<void(bool)> done;
    std::size_t left = 1;
    bool stored = true;
    void part_done(bool was_stored);
  };
  struct Slot {
    PartitionRef partition;
    std::vector<std::shared_ptr<Forgetting>> to_forget;  // once it is loaded; one part each
    SlotState state = SlotState::kLoading;
    std::uint64_t life = 0;  // tells apart two slots of the same index
    std::map<std::string, Entry> groups;
    std::map<std::int64_t, std::set<std::string>> in_transaction;  // by producer id: groups
  };
  struct Queued {
    std::int32_t slot;
    std::string group_id;
    GroupEvent event;
  };

  [[nodiscard]] protocol::ErrorCode ready(const PartitionRef& partition);
  [[nodiscard]] const Group* find(std::int32_t slot, const std::string& group_id) const;
  void feed(std::int32_t slot, const std::string& group_id, GroupEvent event);
  void feed_all(const GroupEvent& event);
  void forget(std::int32_t slot, const std::shared_ptr<Forgetting>& forgetting);
  void drop(std::map<std::int32_t, Slot>::iterator slot);
  void process(Queued queued);
  void append(Slot& slot, const std::string& group_id, const Store& store);
  void arm(std::int32_t index, Entry& entry);
  void replay(Slot& slot, ByteView batches, Status& status);
  static Status replay_record(Slot& slot, const record::BatchHeader& header,
                              const record::RecordView& record);
  static Status replay_marker(Slot& slot, const record::BatchView& batch);
  void loaded(std::int32_t index, std::uint64_t life, const Status& status);
  void set_deadlines(Group& group, std::int64_t steady_ms) const;
  /// The broker's limits, or `own` made those of the group that has settings of its own.
  [[nodiscard]] const GroupLimits& limits_of(const std::string& group_id, GroupLimits& own) const;
  void schedule_expiry();
  [[nodiscard]] Moment now() const;

  BrokerShard& shard_;
  const CoordinatorSettings settings_;
  std::map<std::int32_t, Slot> slots_;
  std::shared_ptr<const Topics> topics_of_;  // what topics_ was made of
  GroupTopicsRef topics_;
  std::map<AnswerId, UniqueFunction<void(GroupEffect&)>> waiting_;
  AnswerId next_answer_ = 1;
  std::uint64_t next_life_ = 1;
  std::deque<Queued> queue_;  // what came while an event was being processed
  bool processing_ = false;
  bool expiry_scheduled_ = false;
  bool stopped_ = false;
};

}  // namespace penstock::broker
