#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "broker/coordinator/transaction_settings.h"
#include "broker/coordinator/transaction_step.h"
#include "broker/topics.h"
#include "framework/base/bytes.h"
#include "framework/base/unique_function.h"

namespace penstock::broker {

class BrokerShard;

/// The partition of __transaction_state where a transactional id lives; nullptr while there is no
/// such topic.
[[nodiscard]] PartitionRef partition_of_transaction(const Topics& topics,
                                                    std::string_view transactional_id);

/// The transactional ids of those partitions of __transaction_state that one shard owns. All calls
/// on that shard; answers are called there.
class TransactionCoordinator {
 public:
  TransactionCoordinator(BrokerShard& shard, const TransactionSettings& settings);
  ~TransactionCoordinator();
  TransactionCoordinator(const TransactionCoordinator&) = delete;
  TransactionCoordinator& operator=(const TransactionCoordinator&) = delete;

  /// Begins to read the partition, unless it was begun before. Until that is done everything is
  /// answered COORDINATOR_LOAD_IN_PROGRESS.
  void load(const PartitionRef& partition);

  /// Gives the event to the id; `answer` is called exactly once, or destroyed when the broker
  /// stops.
  template <class Answer, class Event>
  void submit(const PartitionRef& partition, const std::string& id, Event event,
              UniqueFunction<void(Answer&)> answer) {
    const protocol::ErrorCode error = ready(partition);
    if (error != protocol::ErrorCode::kNone) {
      Answer refused;
      refused.error = error;
      answer(refused);
      return;
    }
    event.answer = next_answer_++;
    waiting_.emplace(event.answer, [answer = std::move(answer)](TransactionEffect& effect) mutable {
      if (auto* mine = std::get_if<Answer>(&effect)) answer(*mine);
    });
    feed(partition->index.value, id, std::move(event));
  }

  /// Shows the id as it is, or nullptr if there is none. kNone, or why it cannot be known now.
  template <class Look>
  [[nodiscard]] protocol::ErrorCode look(const PartitionRef& partition, const std::string& id,
                                         Look see) {
    const protocol::ErrorCode error = ready(partition);
    if (error != protocol::ErrorCode::kNone) return error;
    const auto& all = slots_.at(partition->index.value).transactions;
    const auto at = all.find(id);
    see(at == all.end() ? nullptr : &at->second.transaction);
    return error;
  }
  /// All ids of this shard. kNone, or why some cannot be known now.
  template <class Look>
  [[nodiscard]] protocol::ErrorCode look_at_all(Look see) const {
    auto error = protocol::ErrorCode::kNone;
    for (const auto& [index, slot] : slots_) {
      if (slot.state == SlotState::kLoading)
        error = protocol::ErrorCode::kCoordinatorLoadInProgress;
      if (slot.state == SlotState::kFailed) error = protocol::ErrorCode::kCoordinatorNotAvailable;
      if (slot.state != SlotState::kReady) continue;
      for (const auto& [id, entry] : slot.transactions) see(entry.transaction);
    }
    return error;
  }
  /// Everybody who waits is told to look for another coordinator; part of a stop.
  void stop();

 private:
  enum class SlotState : std::uint8_t { kLoading, kReady, kFailed };
  struct Entry {
    Transaction transaction;
    std::uint64_t timer = 0;
    std::int64_t timer_ms = 0;  // steady; when it fires
  };
  struct Slot {
    PartitionRef partition;
    SlotState state = SlotState::kLoading;
    std::uint64_t life = 0;  // tells apart two slots of the same index
    std::map<std::string, Entry> transactions;
  };
  struct Queued {
    std::int32_t slot;
    std::string id;
    TransactionEvent event;
  };

  [[nodiscard]] protocol::ErrorCode ready(const PartitionRef& partition);
  [[nodiscard]] Slot* alive(std::int32_t index, std::uint64_t life);
  /// Fetches a producer id first, if the event needs one.
  void feed(std::int32_t slot, const std::string& id, TransactionEvent event);
  void feed_all(const TransactionEvent& event);
  void enqueue(Queued queued);
  void process(Queued queued);
  void append(Slot& slot, const std::string& id, const StoreTransaction& store);
  void write_markers(Slot& slot, const Entry& entry, const WriteMarkers& markers);
  void arm(std::int32_t index, Entry& entry);
  void replay(Slot& slot, ByteView batches, Status& status);
  void loaded(std::int32_t index, std::uint64_t life, const Status& status);
  void schedule_timeouts();
  void schedule_expiry();
  [[nodiscard]] Moment now() const;
  [[nodiscard]] TransactionLimits limits() const;

  BrokerShard& shard_;
  const TransactionSettings settings_;
  std::map<std::int32_t, Slot> slots_;
  std::map<AnswerId, UniqueFunction<void(TransactionEffect&)>> waiting_;
  AnswerId next_answer_ = 1;
  std::uint64_t next_life_ = 1;
  std::deque<Queued> queue_;  // what came while an event was being processed
  bool processing_ = false;
  bool scheduled_ = false;
  bool stopped_ = false;
};

}  // namespace penstock::broker
