#include <algorithm>
#include <iterator>
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

bool GroupStepper::refresh_epoch(const GroupTopics& topics, bool other_topics) {
  bool bump = other_topics;
  if (other_topics || group_.consumer->topics_version != topics.version) {
    bump = refresh_regexes(topics) || bump;
    bump = refresh_metadata(topics) || bump;
  }
  if (bump) bump_epoch();
  return bump;
}

void GroupStepper::refresh_targets(const GroupTopics& topics, bool other_topics) {
  refresh_epoch(topics, other_topics);
  const ConsumerGroup& consumer = *group_.consumer;
  // A wall clock that was put back far is waited for, but not when there is no interval.
  const std::int64_t interval_ms = limits_.consumer_assignment_interval_ms;
  const bool due = consumer.assigned_ms == 0 || interval_ms == 0 ||
                   now_.wall_ms >= consumer.assigned_ms + interval_ms;
  if (due && consumer.epoch > consumer.assignment_epoch) compute_targets(topics);
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
  consumer.assigned_ms = now_.wall_ms;
  changed(ConsumerRecord::kTargetEpoch);
}

bool GroupStepper::reconcile_member(const std::string& id, const Said& said,
                                    const GroupTopics& topics) {
  ConsumerGroup& consumer = *group_.consumer;
  ConsumerMember& member = consumer.members.at(id);
  if (member.state == ConsumerMemberState::kStable && member.epoch == consumer.assignment_epoch &&
      !said.other_topics) {
    return false;
  }
  const Assignment taken = taken_by_others(consumer, id);
  Assignment target = consumer.targets[id];
  if (consumer.epoch > consumer.assignment_epoch) {
    // The next target is not due yet; this one may have topics that the member no longer reads.
    const auto read = topics_of(consumer, member);
    std::erase_if(target, [&](const auto& entry) {
      const auto name = topics.names.find(entry.first);
      return name == topics.names.end() || !read.contains(name->second);
    });
  }
  Reconciliation to;
  to.epoch = consumer.assignment_epoch;
  to.target = &target;
  to.owned = &said.owned;
  to.taken = &taken;
  to.other_topics = said.other_topics;
  ConsumerMember next = reconcile(member, to);
  if (next.same_assignment(member)) return false;
  const bool moved = partitions_of(next.assigned) != partitions_of(member.assigned);
  member = std::move(next);
  member.rebalance_deadline_ms.reset();
  // Classic members are given time to join and to sync instead.
  if (member.state == ConsumerMemberState::kUnrevoked && !member.classic)
    member.rebalance_deadline_ms = now_.steady_ms + member.rebalance_timeout_ms;
  changed(ConsumerRecord::kCurrent, id);
  return moved;
}

Store::Record GroupStepper::part(const ConsumerRecordKey& key) const {
  if (key.kind == ConsumerRecord::kClassic && !group_.consumer) return group_record(nullptr);
  return consumer_record(group_, key);
}

void GroupStepper::emit_all(PendingConsumer& answers) {
  for (ConsumerHeartbeatAnswer& out : answers.heartbeats) {
    if (out.to != 0) emit(std::move(out));
  }
  for (JoinAnswer& out : answers.joins) {
    if (out.to != 0) emit(std::move(out));
  }
  for (LeaveAnswer& out : answers.leaves) {
    if (out.to != 0) emit(std::move(out));
  }
}

void GroupStepper::store_consumer(PendingConsumer answers) {
  std::set<ConsumerRecordKey> keys(changed_.begin(), changed_.end());
  changed_.clear();
  if (keys.empty()) {
    for (auto at = group_.stores.rbegin(); at != group_.stores.rend(); ++at) {
      auto* pending = std::get_if<PendingConsumer>(&at->second);
      if (pending == nullptr) continue;
      const auto add = [](auto& to, auto& from) {
        to.insert(to.end(), std::move_iterator(from.begin()), std::move_iterator(from.end()));
      };
      add(pending->heartbeats, answers.heartbeats);
      add(pending->joins, answers.joins);
      add(pending->leaves, answers.leaves);
      return;
    }
    return emit_all(answers);
  }
  keys.insert(group_.unsaved.begin(), group_.unsaved.end());
  std::vector<Store::Record> records;
  for (const ConsumerRecordKey& key : keys) records.push_back(part(key));
  // As Kafka reads them: a member comes before its assignments and goes after them, and what the
  // group was before goes first.
  const auto of_nothing =
      std::stable_partition(records.begin(), records.end(),
                            [](const Store::Record& record) { return !record.value.has_value(); });
  std::reverse(records.begin(), of_nothing);
  store(std::move(records), std::move(answers), std::move(keys));
}

void GroupStepper::consumer_stored(PendingConsumer& pending, Code error) {
  if (error == ErrorCode::kNone) return emit_all(pending);
  for (const ConsumerHeartbeatAnswer& out : pending.heartbeats)
    refuse_heartbeat(out.to, {error, "The group's records could not be stored."});
  for (const JoinAnswer& out : pending.joins) fail_join(out.to, error, out.member_id);
  for (LeaveAnswer& out : pending.leaves) {
    out.error = error;
    out.members.clear();
  }
  pending.heartbeats.clear();
  pending.joins.clear();
  emit_all(pending);
}

}  // namespace penstock::broker
