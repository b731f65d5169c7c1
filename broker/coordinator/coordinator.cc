#include "broker/coordinator/coordinator.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "broker/broker.h"
#include "broker/broker_config.h"
#include "broker/coordinator/consumer_assignor.h"
#include "broker/coordinator/consumer_records.h"
#include "broker/coordinator/offsets_records.h"
#include "broker/partition.h"
#include "framework/record/batch.h"

namespace penstock::broker {

using protocol::ErrorCode;

namespace {

/// UTF-16 code units of UTF-8 text; a byte that is no UTF-8 counts as U+FFFD, as in Java.
template <class See>
void for_each_utf16_unit(std::string_view text, See see) {
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = [&](std::size_t i) {
      return i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0};
    };
    const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
    const std::uint8_t b = byte(at);
    if (b < 0x80) {
      see(static_cast<std::uint16_t>(b));
      at += 1;
    } else if (b >= 0xC2 && b < 0xE0 && tail(at + 1)) {
      see(static_cast<std::uint16_t>((b & 0x1F) << 6 | (byte(at + 1) & 0x3F)));
      at += 2;
    } else if (b >= 0xE0 && b < 0xF0 && tail(at + 1) && tail(at + 2)) {
      see(static_cast<std::uint16_t>((b & 0x0F) << 12 | (byte(at + 1) & 0x3F) << 6 |
                                     (byte(at + 2) & 0x3F)));
      at += 3;
    } else if (b >= 0xF0 && b < 0xF5 && tail(at + 1) && tail(at + 2) && tail(at + 3)) {
      const int code = ((b & 0x07) << 18 | (byte(at + 1) & 0x3F) << 12 |
                        (byte(at + 2) & 0x3F) << 6 | (byte(at + 3) & 0x3F)) -
                       0x10000;
      see(static_cast<std::uint16_t>(0xD800 + (code >> 10)));
      see(static_cast<std::uint16_t>(0xDC00 + (code & 0x3FF)));
      at += 4;
    } else {
      see(std::uint16_t{0xFFFD});
      at += 1;
    }
  }
}

}  // namespace

std::int32_t group_partition_index(std::string_view group_id, std::int32_t partitions) {
  std::uint32_t hash = 0;
  for_each_utf16_unit(group_id, [&hash](std::uint16_t unit) { hash = hash * 31 + unit; });
  // Kafka's abs(): the smallest number becomes 0.
  const auto number = static_cast<std::int32_t>(hash);
  const std::int32_t positive = number == INT32_MIN ? 0 : std::abs(number);
  return positive % partitions;
}

PartitionRef partition_of_key(const Topics& topics, std::string_view internal_topic,
                              std::string_view key) {
  const TopicRef topic = topics.find(internal_topic);
  if (!topic || topic->partitions.empty()) return nullptr;
  const auto count = static_cast<std::int32_t>(topic->partitions.size());
  return topic->partitions[static_cast<std::size_t>(group_partition_index(key, count))];
}

PartitionRef partition_of_group(const Topics& topics, std::string_view group_id) {
  return partition_of_key(topics, kConsumerOffsetsTopic, group_id);
}

GroupCoordinator::GroupCoordinator(BrokerShard& shard, const CoordinatorSettings& settings)
    : shard_(shard), settings_(settings) {}
GroupCoordinator::~GroupCoordinator() = default;

Moment GroupCoordinator::now() const {
  const Clock& clock = shard_.broker().clock();
  return {clock.steady_ms(), clock.wall_ms()};
}

ErrorCode GroupCoordinator::ready(const PartitionRef& partition) {
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

const Group* GroupCoordinator::find(std::int32_t slot, const std::string& group_id) const {
  const auto& groups = slots_.at(slot).groups;
  const auto at = groups.find(group_id);
  return at == groups.end() ? nullptr : &at->second.group;
}

void GroupCoordinator::feed(std::int32_t slot, const std::string& group_id, GroupEvent event) {
  queue_.push_back({slot, group_id, std::move(event)});
  if (processing_) return;
  processing_ = true;
  while (!queue_.empty()) {
    Queued next = std::move(queue_.front());
    queue_.pop_front();
    process(std::move(next));
  }
  processing_ = false;
}

void GroupCoordinator::feed_all(const GroupEvent& event) {
  std::vector<std::pair<std::int32_t, std::string>> all;
  for (const auto& [index, slot] : slots_) {
    // What is half loaded is no group yet: replay() goes on to replace it.
    if (slot.state != SlotState::kReady) continue;
    for (const auto& [id, entry] : slot.groups) all.emplace_back(index, id);
  }
  for (const auto& [index, id] : all) feed(index, id, event);
}

void GroupCoordinator::Forgetting::part_done(bool was_stored) {
  stored = stored && was_stored;
  if (--left == 0) done(stored);
}

void GroupCoordinator::topic_deleted(const std::string& topic, std::int64_t until_ms,
                                     UniqueFunction<void(bool)> done) {
  auto forgetting =
      std::make_shared<Forgetting>(Forgetting{topic, until_ms, std::move(done), 1, true});
  std::vector<std::int32_t> ready;
  for (auto& [index, slot] : slots_) {
    if (slot.state == SlotState::kReady) ready.push_back(index);
    if (slot.state == SlotState::kFailed) forgetting->stored = false;
    if (slot.state == SlotState::kLoading) {
      ++forgetting->left;
      slot.to_forget.push_back(forgetting);
    }
  }
  for (const std::int32_t index : ready) forget(index, forgetting);
  forgetting->part_done(true);
}

void GroupCoordinator::forget(std::int32_t index, const std::shared_ptr<Forgetting>& forgetting) {
  std::vector<std::string> groups;
  for (const auto& [id, entry] : slots_.at(index).groups) groups.push_back(id);
  for (const std::string& id : groups) {
    ++forgetting->left;
    const AnswerId answer = next_answer_++;
    waiting_.emplace(answer, [forgetting](GroupEffect& effect) {
      if (const auto* code = std::get_if<CodeAnswer>(&effect))
        forgetting->part_done(code->error == ErrorCode::kNone);
    });
    feed(index, id, TopicDeletedEvent{forgetting->topic, forgetting->until_ms, answer});
  }
}

void GroupCoordinator::drop(std::map<std::int32_t, Slot>::iterator slot) {
  for (auto& [id, entry] : slot->second.groups) {
    if (entry.timer != 0) shard_.io().cancel(entry.timer);
  }
  for (const auto& forgetting : slot->second.to_forget) forgetting->part_done(false);
  slots_.erase(slot);
}

void GroupCoordinator::process(Queued queued) {
  const auto at = slots_.find(queued.slot);
  if (at == slots_.end()) return;
  Slot& slot = at->second;
  Entry& entry = slot.groups[queued.group_id];
  if (entry.group.id.empty()) entry.group.id = queued.group_id;
  GroupLimits own;
  GroupEffects effects =
      step(entry.group, std::move(queued.event), now(), limits_of(queued.group_id, own));
  for (GroupEffect& effect : effects) {
    if (const auto* store = std::get_if<Store>(&effect)) {
      append(slot, queued.group_id, *store);
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
  const bool dead = entry.group.state == GroupState::kDead && entry.group.stores.empty();
  if (!dead && !entry.group.is_void()) return arm(queued.slot, entry);
  if (entry.timer != 0) shard_.io().cancel(entry.timer);
  slot.groups.erase(queued.group_id);
}

void GroupCoordinator::append(Slot& slot, const std::string& group_id, const Store& store) {
  const std::int64_t wall_ms = now().wall_ms;
  record::BatchBuilder::Options options;
  if (store.producer) {
    options.producer_id = ProducerId(store.producer->id);
    options.producer_epoch = ProducerEpoch(store.producer->epoch);
    options.transactional = true;
    slot.in_transaction[store.producer->id].insert(group_id);
  }
  record::BatchBuilder builder(options);
  for (const Store::Record& record : store.records) {
    std::optional<std::string_view> value;
    if (record.value) value = *record.value;
    builder.add(wall_ms, record.key, value);
  }
  auto done = [this, index = slot.partition->index.value, life = slot.life, group_id,
               id = store.store](tl::expected<Offset, ApiError> stored) {
    const auto at = slots_.find(index);
    if (at == slots_.end() || at->second.life != life) return;
    if (!stored)
      spdlog::error("group {}: {} does not take its records: {}", group_id, kConsumerOffsetsTopic,
                    stored.error().text);
    feed(index, group_id, StoredEvent{id, stored ? ErrorCode::kNone : stored.error().code});
  };
  if (!slot.partition->partition)
    return done(tl::make_unexpected(
        ApiError{ErrorCode::kNotLeaderOrFollower, "the partition is not open"}));
  append_internal(*slot.partition->partition, builder.finish(), std::move(done),
                  store.producer ? store.producer->guard : 0);
}

void GroupCoordinator::arm(std::int32_t index, Entry& entry) {
  const std::optional<std::int64_t> wake = wake_ms(entry.group);
  // A timer that fires too early finds nothing to do and is set again: deadlines move on with every
  // heartbeat.
  if (!wake || (entry.timer != 0 && entry.timer_ms <= *wake)) return;
  if (entry.timer != 0) shard_.io().cancel(entry.timer);
  entry.timer_ms = *wake;
  entry.timer = shard_.io().after(std::max<std::int64_t>(0, *wake - now().steady_ms),
                                  [this, index, id = entry.group.id] {
                                    const auto slot = slots_.find(index);
                                    if (slot == slots_.end()) return;
                                    const auto at = slot->second.groups.find(id);
                                    if (at == slot->second.groups.end()) return;
                                    at->second.timer = 0;
                                    feed(index, id, TickEvent{topics()});
                                  });
}

void GroupCoordinator::load(const PartitionRef& partition) {
  const std::int32_t index = partition->index.value;
  const auto known = slots_.find(index);
  if (known != slots_.end()) {
    const Slot& slot = known->second;
    const bool reopened = slot.state == SlotState::kFailed && slot.partition != partition &&
                          partition->partition != nullptr;
    if (slot.partition->topic_id == partition->topic_id && !reopened) return;
    drop(known);
  }
  if (!expiry_scheduled_) schedule_expiry();
  Slot& slot = slots_[index];
  slot.partition = partition;
  const std::uint64_t life = slot.life = next_life_++;
  auto status = std::make_shared<Status>();
  read_internal(
      partition,
      [this, index, life, status](ByteView batches) {
        const auto at = slots_.find(index);
        if (at != slots_.end() && at->second.life == life) replay(at->second, batches, *status);
      },
      [this, index, life, status](const Status& read) {
        loaded(index, life, read ? *status : read);
      });
}

void GroupCoordinator::replay(Slot& slot, ByteView batches, Status& status) {
  if (!status) return;
  status = replay_internal(
      batches,
      [&slot](const record::BatchHeader& header, const record::RecordView& record) {
        return replay_record(slot, header, record);
      },
      [&slot](const record::BatchView& batch) { return replay_marker(slot, batch); });
}

void GroupCoordinator::loaded(std::int32_t index, std::uint64_t life, const Status& status) {
  const auto at = slots_.find(index);
  if (at == slots_.end() || at->second.life != life) return;
  Slot& slot = at->second;
  if (!status) {
    slot.state = SlotState::kFailed;
    slot.groups.clear();
    spdlog::error("{}-{} cannot be read, its groups are not available until it is opened again: {}",
                  kConsumerOffsetsTopic, index, status.error().text);
    for (const auto& forgetting : std::exchange(slot.to_forget, {})) forgetting->part_done(false);
    return;
  }
  slot.state = SlotState::kReady;
  const std::int64_t steady_ms = now().steady_ms;
  for (auto group = slot.groups.begin(); group != slot.groups.end();) {
    Entry& entry = group->second;
    entry.group.id = group->first;
    if (entry.group.is_void()) {
      group = slot.groups.erase(group);
      continue;
    }
    for (auto& [id, member] : entry.group.members) {
      member.expires_ms = steady_ms + member.session_timeout_ms;
      if (entry.group.state == GroupState::kPreparingRebalance)
        entry.group.rebalance_deadline_ms =
            std::max(entry.group.rebalance_deadline_ms, steady_ms + member.rebalance_timeout_ms);
    }
    if (entry.group.consumer) {
      set_deadlines(entry.group, steady_ms);
      for (const auto& [id, member] : entry.group.consumer->members) {
        if (member.assignor && find_assignor(*member.assignor) == nullptr)
          spdlog::warn(
              "group {}: the assignor {} that member {} asks for is not here, so it has no say",
              entry.group.id, *member.assignor, id);
      }
    }
    arm(index, entry);
    ++group;
  }
  for (const auto& forgetting : std::exchange(slot.to_forget, {})) {
    forget(index, forgetting);
    forgetting->part_done(true);
  }
}

const GroupLimits& GroupCoordinator::limits_of(const std::string& group_id,
                                               GroupLimits& own) const {
  const auto& groups = shard_.topics()->broker_config().groups;
  const auto at = groups.find(group_id);
  if (at == groups.end()) return settings_.limits;
  return own = with_group_config(settings_.limits, at->second);
}

void GroupCoordinator::set_deadlines(Group& group, std::int64_t steady_ms) const {
  GroupLimits own;
  const std::int32_t session_ms = limits_of(group.id, own).consumer_session_timeout_ms;
  for (auto& [id, member] : group.consumer->members) {
    member.session_deadline_ms =
        steady_ms + (member.classic ? member.classic->session_timeout_ms : session_ms);
    if (member.state == ConsumerMemberState::kUnrevoked && !member.classic)
      member.rebalance_deadline_ms = steady_ms + member.rebalance_timeout_ms;
  }
}

GroupTopicsRef GroupCoordinator::topics() {
  const std::shared_ptr<const Topics>& published = shard_.topics();
  if (topics_ && topics_of_ == published) return topics_;
  auto fresh = std::make_shared<GroupTopics>();
  fresh->version = topics_ ? topics_->version + 1 : 1;
  for (const auto& [name, topic] : published->all()) {
    fresh->by_name[name] = {topic->id, static_cast<std::int32_t>(topic->partitions.size())};
    fresh->names[topic->id] = name;
  }
  topics_of_ = published;
  topics_ = std::move(fresh);
  return topics_;
}

void GroupCoordinator::schedule_expiry() {
  expiry_scheduled_ = true;
  shard_.io().after(settings_.retention_check_ms, [this] {
    feed_all(ExpireOffsetsEvent{});
    if (!stopped_) schedule_expiry();
  });
}

void GroupCoordinator::stop() {
  stopped_ = true;
  // Dropping them is not enough: their clients would take a closed connection for a crash and ask
  // the same broker again at once.
  auto waiting = std::exchange(waiting_, {});
  for (auto& [id, answer] : waiting) {
    for (GroupEffect effect :
         {GroupEffect(JoinAnswer{}), GroupEffect(SyncAnswer{}), GroupEffect(CodeAnswer{}),
          GroupEffect(DeleteOffsetsAnswer{}), GroupEffect(ConsumerHeartbeatAnswer{})}) {
      std::visit(
          [](auto& e) {
            if constexpr (requires { e.error; }) e.error = ErrorCode::kNotCoordinator;
          },
          effect);
      answer(effect);
    }
  }
}

}  // namespace penstock::broker
