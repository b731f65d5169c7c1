#include <utility>

#include "broker/coordinator/consumer_assignor.h"
#include "broker/coordinator/consumer_reconcile.h"
#include "broker/coordinator/consumer_records.h"
#include "broker/coordinator/group_stepper.h"
#include "broker/coordinator/topic_regex.h"
#include "framework/base/assert.h"

namespace penstock::broker {

using protocol::ErrorCode;

namespace {

/// Tells two sets of topics apart (FNV-1a). Kafka uses another function; a different number makes
/// it look again, no more.
std::int64_t hash_of(const std::set<std::string, std::less<>>& subscribed,
                     const GroupTopics& topics) {
  std::uint64_t hash = 14'695'981'039'346'656'037ULL;
  const auto mix = [&hash](std::string_view bytes) {
    for (const char c : bytes) hash = (hash ^ static_cast<std::uint8_t>(c)) * 1'099'511'628'211ULL;
    hash = (hash ^ 0xFF) * 1'099'511'628'211ULL;
  };
  bool any = false;
  for (const std::string& name : subscribed) {
    const auto at = topics.by_name.find(name);
    if (at == topics.by_name.end()) continue;
    any = true;
    mix(name);
    mix(at->second.id.text());
    mix(std::to_string(at->second.partitions));
  }
  return any ? static_cast<std::int64_t>(hash) : 0;
}

}  // namespace

bool GroupStepper::refresh_regexes(const GroupTopics& topics) {
  ConsumerGroup& consumer = *group_.consumer;
  std::set<std::string, std::less<>> used;
  for (const auto& [id, member] : consumer.members) {
    if (!member.regex.empty()) used.insert(member.regex);
  }
  for (auto at = consumer.regexes.begin(); at != consumer.regexes.end();) {
    if (used.contains(at->first)) {
      ++at;
      continue;
    }
    changed(ConsumerRecord::kRegex, at->first);
    at = consumer.regexes.erase(at);
  }
  bool any = false;
  for (const std::string& pattern : used) {
    const auto known = consumer.regexes.find(pattern);
    if (known != consumer.regexes.end() && known->second.topics_version == topics.version) continue;
    ResolvedRegex now{matching_topics(pattern, topics), topics.version, now_.wall_ms};
    if (known == consumer.regexes.end() || known->second.topics != now.topics) {
      any = true;
      consumer.regexes[pattern] = std::move(now);
      changed(ConsumerRecord::kRegex, pattern);
    } else {
      known->second.topics_version = topics.version;
    }
  }
  return any;
}

bool GroupStepper::refresh_metadata(const GroupTopics& topics) {
  ConsumerGroup& consumer = *group_.consumer;
  // Subscriptions that change bump the epoch by themselves, so only their hash is taken along.
  const std::int64_t hash = hash_of(subscribed_topics(consumer), topics);
  consumer.topics_version = topics.version;
  return std::exchange(consumer.metadata_hash, hash) != hash;
}

void GroupStepper::bump_epoch() {
  ++group_.consumer->epoch;
  changed(ConsumerRecord::kGroup);
}

void GroupStepper::compute_targets(const GroupTopics& topics) {
  ConsumerGroup& consumer = *group_.consumer;
  AssignorInput input;
  for (const auto& [id, member] : consumer.members) {
    AssignorMember& to = input.members[id];
    to.instance_id = member.instance_id;
    for (const std::string& name : topics_of(consumer, member)) {
      const auto at = topics.by_name.find(name);
      if (at == topics.by_name.end()) continue;
      to.topics.push_back(at->second.id);
      input.partitions[at->second.id] = at->second.partitions;
    }
    if (const auto before = consumer.targets.find(id); before != consumer.targets.end())
      to.before = before->second;
  }
  const Assignor assign = find_assignor(assignor_of(consumer, limits_.assignors.front()));
  PENSTOCK_ASSERT(assign != nullptr);
  for (auto& [id, target] : assign(input)) {
    const auto before = consumer.targets.find(id);
    if (before != consumer.targets.end() && before->second == target) continue;
    consumer.targets[id] = std::move(target);
    changed(ConsumerRecord::kTarget, id);
  }
  consumer.assignment_epoch = consumer.epoch;
  changed(ConsumerRecord::kTargetEpoch);
}

bool GroupStepper::reconcile_member(const std::string& id, const std::optional<Assignment>& owned) {
  ConsumerGroup& consumer = *group_.consumer;
  ConsumerMember& member = consumer.members.at(id);
  if (member.state == ConsumerMemberState::kStable && member.epoch == consumer.assignment_epoch)
    return false;
  const Assignment taken = taken_by_others(consumer, id);
  Reconciliation to;
  to.epoch = consumer.assignment_epoch;
  to.target = &consumer.targets[id];
  to.owned = &owned;
  to.taken = &taken;
  ConsumerMember next = reconcile(member, to);
  if (next.same_assignment(member)) return false;
  const bool moved = partitions_of(next.assigned) != partitions_of(member.assigned);
  member = std::move(next);
  member.rebalance_deadline_ms.reset();
  if (member.state == ConsumerMemberState::kUnrevoked)
    member.rebalance_deadline_ms = now_.steady_ms + member.rebalance_timeout_ms;
  changed(ConsumerRecord::kCurrent, id);
  return moved;
}

void GroupStepper::store_consumer(std::vector<Store::Record> first,
                                  std::optional<ConsumerHeartbeatAnswer> answer) {
  std::set<ConsumerRecordKey> keys(changed_.begin(), changed_.end());
  changed_.clear();
  if (!keys.empty()) keys.merge(std::exchange(group_.unsaved, {}));
  if (keys.empty() && first.empty()) {
    if (!answer) return;
    for (auto at = group_.stores.rbegin(); at != group_.stores.rend(); ++at) {
      if (auto* pending = std::get_if<PendingConsumer>(&at->second)) {
        pending->answers.push_back(std::move(*answer));
        return;
      }
    }
    return emit(std::move(*answer));
  }
  PendingConsumer pending;
  if (answer) pending.answers.push_back(std::move(*answer));
  for (const ConsumerRecordKey& key : keys) {
    first.push_back(consumer_record(group_, key));
    pending.keys.push_back(key);
  }
  store(std::move(first), std::move(pending));
}

void GroupStepper::consumer_stored(PendingConsumer& pending, Code error) {
  if (error != ErrorCode::kNone) group_.unsaved.insert(pending.keys.begin(), pending.keys.end());
  for (ConsumerHeartbeatAnswer& out : pending.answers) {
    if (out.to == 0) continue;
    if (error != ErrorCode::kNone) {
      refuse_heartbeat(out.to, {error, "The group's records could not be stored."});
      continue;
    }
    emit(std::move(out));
  }
}

}  // namespace penstock::broker
