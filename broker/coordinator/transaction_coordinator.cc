#include "broker/coordinator/transaction_coordinator.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>
#include <type_traits>

#include "broker/broker.h"
#include "broker/coordinator/coordinator.h"
#include "broker/coordinator/transaction_records.h"
#include "broker/features.h"
#include "broker/gather.h"
#include "broker/partition.h"
#include "broker/transaction_marker.h"
#include "framework/record/batch.h"

namespace penstock::broker {

using protocol::ErrorCode;

PartitionRef partition_of_transaction(const Topics& topics, std::string_view transactional_id) {
  return partition_of_key(topics, kTransactionStateTopic, transactional_id);
}

TransactionCoordinator::TransactionCoordinator(BrokerShard& shard,
                                               const TransactionSettings& settings)
    : shard_(shard), settings_(settings) {}
TransactionCoordinator::~TransactionCoordinator() = default;

Moment TransactionCoordinator::now() const {
  const Clock& clock = shard_.broker().clock();
  return {clock.steady_ms(), clock.wall_ms()};
}

TransactionLimits TransactionCoordinator::limits() const {
  TransactionLimits out = settings_.limits;
  out.version = shard_.broker().features().transaction_version();
  return out;
}

ErrorCode TransactionCoordinator::ready(const PartitionRef& partition) {
  if (stopped_) return ErrorCode::kNotCoordinator;
  load(partition);
  switch (slots_.at(partition->index.value).state) {
    case SlotState::kLoading:
      return ErrorCode::kCoordinatorLoadInProgress;
    case SlotState::kFailed:
      return ErrorCode::kCoordinatorNotAvailable;
    case SlotState::kReady:
      break;
  }
  return partition->partition ? ErrorCode::kNone : ErrorCode::kNotCoordinator;
}

TransactionCoordinator::Slot* TransactionCoordinator::alive(std::int32_t index,
                                                            std::uint64_t life) {
  const auto at = slots_.find(index);
  return at == slots_.end() || at->second.life != life ? nullptr : &at->second;
}

void TransactionCoordinator::feed(std::int32_t index, const std::string& id,
                                  TransactionEvent event) {
  const auto slot = slots_.find(index);
  if (slot == slots_.end()) return;
  const auto known = slot->second.transactions.find(id);
  const Transaction none;
  if (!needs_producer_id(
          known == slot->second.transactions.end() ? none : known->second.transaction, event))
    return enqueue({index, id, std::move(event)});
  shard_.producer_id([this, index, life = slot->second.life, id,
                      event = std::move(event)](tl::expected<std::int64_t, ApiError> got) mutable {
    if (alive(index, life) == nullptr) return;
    // Without one the event is refused, and its client asks again.
    std::visit(
        [&](auto& e) {
          if constexpr (requires { e.new_producer_id; }) {
            if (got) e.new_producer_id = ProducerId(*got);
          }
        },
        event);
    enqueue({index, id, std::move(event)});
  });
}

void TransactionCoordinator::feed_all(const TransactionEvent& event) {
  std::vector<std::pair<std::int32_t, std::string>> all;
  for (const auto& [index, slot] : slots_) {
    // What is half loaded is not to be moved: replay() goes on to replace it.
    if (slot.state != SlotState::kReady) continue;
    for (const auto& [id, entry] : slot.transactions) all.emplace_back(index, id);
  }
  for (const auto& [index, id] : all) feed(index, id, event);
}

void TransactionCoordinator::enqueue(Queued queued) {
  queue_.push_back(std::move(queued));
  if (processing_) return;
  processing_ = true;
  while (!queue_.empty()) {
    Queued next = std::move(queue_.front());
    queue_.pop_front();
    process(std::move(next));
  }
  processing_ = false;
}

void TransactionCoordinator::process(Queued queued) {
  const auto at = slots_.find(queued.slot);
  if (at == slots_.end()) return;
  Slot& slot = at->second;
  Entry& entry = slot.transactions[queued.id];
  entry.transaction.id = queued.id;
  TransactionEffects effects = step(entry.transaction, std::move(queued.event), now(), limits());
  for (TransactionEffect& effect : effects) {
    if (const auto* store = std::get_if<StoreTransaction>(&effect)) {
      append(slot, queued.id, *store);
      continue;
    }
    if (const auto* markers = std::get_if<WriteMarkers>(&effect)) {
      write_markers(slot, entry, *markers);
      continue;
    }
    const AnswerId to = std::visit(
        [](const auto& e) -> AnswerId {
          if constexpr (requires { e.to; })
            return e.to;
          else
            return 0;
        },
        effect);
    const auto waiting = waiting_.extract(to);
    if (!waiting.empty()) waiting.mapped()(effect);
  }
  if (!entry.transaction.is_void() && entry.transaction.data.state != TransactionState::kDead)
    return arm(queued.slot, entry);
  if (entry.timer != 0) shard_.io().cancel(entry.timer);
  slot.transactions.erase(queued.id);
}

void TransactionCoordinator::append(Slot& slot, const std::string& id,
                                    const StoreTransaction& store) {
  record::BatchBuilder builder;
  std::optional<std::string_view> value;
  if (store.value) value = *store.value;
  builder.add(now().wall_ms, store.key, value);
  auto done = [this, index = slot.partition->index.value, life = slot.life, id,
               store_id = store.store](tl::expected<Offset, ApiError> stored) {
    if (alive(index, life) == nullptr) return;
    if (!stored)
      spdlog::error("transactional id {}: {} does not take its record: {}", id,
                    kTransactionStateTopic, stored.error().text);
    feed(index, id,
         TransactionStoredEvent{store_id, stored ? ErrorCode::kNone : stored.error().code});
  };
  if (!slot.partition->partition)
    return done(tl::make_unexpected(
        ApiError{ErrorCode::kNotLeaderOrFollower, "the partition is not open"}));
  append_internal(*slot.partition->partition, builder.finish(), std::move(done));
}

void TransactionCoordinator::write_markers(Slot& slot, const Entry& entry,
                                           const WriteMarkers& markers) {
  TransactionMarker marker;
  marker.producer_id = markers.producer_id;
  marker.producer_epoch = markers.epoch;
  marker.commit = markers.commit;
  marker.coordinator_epoch = slot.partition->leader_epoch.value;
  marker.transaction_version = markers.client_version;
  // A topic that was made a moment ago may not have come to this shard yet.
  const bool believe_missing = entry.transaction.failed_rounds > 0;
  auto gather = std::make_shared<Gather<bool>>(
      shard_, markers.partitions.size(),
      [this, index = slot.partition->index.value, life = slot.life, id = entry.transaction.id,
       round = markers.round, partitions = markers.partitions](std::vector<bool> written) {
        if (alive(index, life) == nullptr) return;
        MarkersWrittenEvent event;
        event.round = round;
        for (std::size_t i = 0; i < written.size(); ++i) {
          if (written[i]) event.written.push_back(partitions[i]);
        }
        feed(index, id, std::move(event));
      });
  for (std::size_t i = 0; i < markers.partitions.size(); ++i) {
    const auto& [topic, partition] = markers.partitions[i];
    const PartitionRef handle = shard_.topics()->find(topic, PartitionId(partition));
    if (!handle) {
      gather->put(i, believe_missing);
      continue;
    }
    write_marker(handle, marker, [gather, i, id = entry.transaction.id, handle](ErrorCode error) {
      // A producer that got a higher epoch without this coordinator's knowledge has ended the
      // transaction there (WriteTxnMarkers by hand).
      const bool overtaken = error == ErrorCode::kInvalidProducerEpoch;
      // A fenced coordinator's transaction is still open there: it is tried again, and told.
      if (overtaken || error == ErrorCode::kTransactionCoordinatorFenced)
        spdlog::warn("transactional id {}: {}-{} does not take its marker: {}", id, handle->topic,
                     handle->index.value, protocol::to_string(error));
      gather->put(i, error == ErrorCode::kNone || overtaken);
    });
  }
}

void TransactionCoordinator::arm(std::int32_t index, Entry& entry) {
  const std::optional<std::int64_t> wake = wake_ms(entry.transaction);
  if (!wake || (entry.timer != 0 && entry.timer_ms <= *wake)) return;
  if (entry.timer != 0) shard_.io().cancel(entry.timer);
  entry.timer_ms = *wake;
  entry.timer = shard_.io().after(std::max<std::int64_t>(0, *wake - now().steady_ms),
                                  [this, index, id = entry.transaction.id] {
                                    const auto slot = slots_.find(index);
                                    if (slot == slots_.end()) return;
                                    const auto at = slot->second.transactions.find(id);
                                    if (at == slot->second.transactions.end()) return;
                                    at->second.timer = 0;
                                    feed(index, id, TransactionTickEvent{});
                                  });
}

void TransactionCoordinator::load(const PartitionRef& partition) {
  const std::int32_t index = partition->index.value;
  const auto known = slots_.find(index);
  if (known != slots_.end()) {
    const Slot& slot = known->second;
    const bool reopened = slot.state == SlotState::kFailed && slot.partition != partition &&
                          partition->partition != nullptr;
    if (slot.partition->topic_id == partition->topic_id && !reopened) return;
    for (auto& [id, entry] : known->second.transactions) {
      if (entry.timer != 0) shard_.io().cancel(entry.timer);
    }
    slots_.erase(known);
  }
  if (!std::exchange(scheduled_, true)) {
    schedule_timeouts();
    schedule_expiry();
  }
  Slot& slot = slots_[index];
  slot.partition = partition;
  const std::uint64_t life = slot.life = next_life_++;
  auto status = std::make_shared<Status>();
  read_internal(
      partition,
      [this, index, life, status](ByteView batches) {
        if (Slot* of = alive(index, life)) replay(*of, batches, *status);
      },
      [this, index, life, status](const Status& read) {
        loaded(index, life, read ? *status : read);
      });
}

void TransactionCoordinator::replay(Slot& slot, ByteView batches, Status& status) {
  if (!status) return;
  const auto apply = [&slot](const record::BatchHeader&,
                             const record::RecordView& record) -> Status {
    const auto key = record.key ? decode_transaction_key(*record.key)
                                : fail(Errc::kCorrupt, "record without a key");
    if (!key) {  // no transactional id's: as GroupCoordinator::replay_record()
      spdlog::error("{}-{}: the record at offset {} is left out: {}", kTransactionStateTopic,
                    slot.partition->index.value, record.offset.value, key.error().text);
      return {};
    }
    const std::optional<std::string>& id = *key;
    if (!id) return {};
    if (!record.value) {
      slot.transactions.erase(*id);
      return {};
    }
    PENSTOCK_ASSIGN_OR_RETURN(slot.transactions[*id].transaction.data,
                              decode_transaction(*record.value));
    return {};
  };
  status = replay_internal(batches, apply, [](const record::BatchView&) { return Status(); });
}

void TransactionCoordinator::loaded(std::int32_t index, std::uint64_t life, const Status& status) {
  Slot* slot = alive(index, life);
  if (slot == nullptr) return;
  if (!status) {
    slot->state = SlotState::kFailed;
    slot->transactions.clear();
    spdlog::error(
        "{}-{} cannot be read, its transactional ids are not available until it is opened again: "
        "{}",
        kTransactionStateTopic, index, status.error().text);
    return;
  }
  slot->state = SlotState::kReady;
  std::vector<std::string> prepared;
  for (auto& [id, entry] : slot->transactions) {
    entry.transaction.id = id;
    if (entry.transaction.prepared()) prepared.push_back(id);
  }
  for (const std::string& id : prepared) feed(index, id, TransactionLoadedEvent{});
}

void TransactionCoordinator::schedule_timeouts() {
  shard_.io().after(settings_.timeout_check_ms, [this] {
    feed_all(TimeOutEvent{});
    if (!stopped_) schedule_timeouts();
  });
}

void TransactionCoordinator::schedule_expiry() {
  shard_.io().after(settings_.expiry_check_ms, [this] {
    feed_all(ExpireTransactionEvent{});
    if (!stopped_) schedule_expiry();
  });
}

void TransactionCoordinator::stop() {
  stopped_ = true;
  auto waiting = std::exchange(waiting_, {});
  for (auto& [id, answer] : waiting) {
    ProducerAnswer producer;
    producer.error = ErrorCode::kNotCoordinator;
    PartitionsAnswer partitions;
    partitions.error = ErrorCode::kNotCoordinator;
    for (TransactionEffect effect : {TransactionEffect(producer), TransactionEffect(partitions)})
      answer(effect);
  }
}

}  // namespace penstock::broker
