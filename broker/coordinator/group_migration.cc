#include <algorithm>
#include <utility>

#include "broker/coordinator/consumer_records.h"
#include "broker/coordinator/embedded_consumer.h"
#include "broker/coordinator/group_stepper.h"

// Groups of consumers change their protocol while they have members (KIP-848,
// group.consumer.migration.policy).
namespace penstock::broker {

using protocol::ErrorCode;

namespace {

bool is_one_of(MigrationPolicy policy, MigrationPolicy wanted) {
  return policy == wanted || policy == MigrationPolicy::kBidirectional;
}

/// Of topics that there are.
Holdings holdings(const NamedPartitions& partitions, std::int32_t epoch,
                  const GroupTopics& topics) {
  Holdings out;
  for (const auto& [name, numbers] : partitions) {
    const auto topic = topics.by_name.find(name);
    if (topic == topics.by_name.end()) continue;
    for (const std::int32_t partition : numbers) {
      if (partition >= 0 && partition < topic->second.partitions)
        out[topic->second.id][partition] = epoch;
    }
  }
  return out;
}

/// Whether each partition that a member subscribes to is given to one. Not so when a rebalance was
/// under way, or when there are partitions that its leader had not seen.
bool all_are_given(const ConsumerGroup& group, const GroupTopics& topics) {
  Assignment given;
  for (const auto& [id, target] : group.targets) {
    for (const auto& [topic, partitions] : target)
      given[topic].insert(partitions.begin(), partitions.end());
  }
  for (const auto& [id, member] : group.members) {
    for (const std::string& name : member.topics) {
      const auto topic = topics.by_name.find(name);
      if (topic == topics.by_name.end() || topic->second.partitions == 0) continue;
      const auto at = given.find(topic->second.id);
      if (at == given.end() ||
          at->second.size() != static_cast<std::size_t>(topic->second.partitions))
        return false;
    }
  }
  return true;
}

NamedPartitions named(const Assignment& assignment, const GroupTopics& topics) {
  NamedPartitions out;
  for (const auto& [topic, partitions] : assignment) {
    const auto name = topics.names.find(topic);
    if (name != topics.names.end()) out[name->second] = partitions;
  }
  return out;
}

/// Its assignment is what it may still own, which need not be its target yet: so a change back to
/// the consumer protocol gives nobody what others have not let go of. (Kafka: the target.)
Member classic_member(const ConsumerMember& from, const GroupTopics& topics) {
  Member out;
  out.id = from.id;
  out.instance_id = from.instance_id;
  out.client_id = from.client_id;
  out.client_host = from.client_host;
  out.rebalance_timeout_ms = from.rebalance_timeout_ms;
  out.session_timeout_ms = from.classic->session_timeout_ms;
  out.protocols = from.classic->protocols;
  Assignment owned = partitions_of(from.assigned);
  for (auto& [topic, partitions] : partitions_of(from.revoking)) owned[topic].merge(partitions);
  // A stored subscription may be another broker's, so it need not be one that we can read.
  const auto subscription = read_subscription(out.protocols.front().metadata);
  out.assignment = write_assignment(named(owned, topics), subscription ? subscription->version : 0);
  return out;
}

}  // namespace

GroupStepper::Refusal GroupStepper::upgrade(const GroupTopics& topics,
                                            std::optional<ConsumerGroup>& upgraded) const {
  const auto refuse = [this](const std::string& why) {
    return Refusal{ErrorCode::kGroupIdNotFound, "Cannot upgrade classic group " + group_.id +
                                                    " to consumer group because " + why};
  };
  if (!is_one_of(limits_.migration, MigrationPolicy::kUpgrade))
    return refuse("online upgrade is disabled.");
  if (group_.protocol_type != "consumer")
    return refuse("the group does not use the consumer embedded protocol.");
  if (group_.members.size() > static_cast<std::size_t>(limits_.consumer_members_max))
    return refuse("the group size exceeds the consumer group maximum size.");
  std::size_t bytes = 0;
  for (const auto& [id, member] : group_.members) bytes += bytes_of(member.protocols);
  if (bytes > limits_.classic_bytes_max)
    return refuse("the subscriptions of its members exceed the size of a batch.");
  const std::string chosen = group_.protocol ? *group_.protocol : vote();
  ConsumerGroup out;
  out.epoch = out.assignment_epoch = group_.generation;
  for (const auto& [id, from] : group_.members) {
    const std::string* metadata = from.metadata(chosen);
    const auto subscription =
        metadata != nullptr ? read_subscription(*metadata) : std::optional<EmbeddedSubscription>();
    const auto assignment = read_assignment(from.assignment);
    if (!subscription || !assignment) return refuse("the embedded consumer protocol is malformed.");
    if (assignment->has_user_data) {
      return refuse(
          "an unsupported custom assignor is in use. Please refer to the documentation or switch "
          "to a default assignor before re-attempting the upgrade.");
    }
    ConsumerMember& member = out.members[id];
    member.id = id;
    out.set_instance(member, from.instance_id);
    member.rack_id = subscription->rack_id;
    member.client_id = from.client_id;
    member.client_host = from.client_host;
    member.topics = subscription->topics;
    member.rebalance_timeout_ms = from.rebalance_timeout_ms;
    member.classic = ClassicMembership{from.session_timeout_ms, from.protocols};
    member.epoch = member.previous_epoch = group_.generation;
    member.assigned = holdings(assignment->partitions, group_.generation, topics);
    member.session_deadline_ms = now_.steady_ms + from.session_timeout_ms;
    out.targets[id] = partitions_of(member.assigned);
  }
  upgraded = std::move(out);
  return {};
}

bool GroupStepper::begin_consumer_group(std::optional<ConsumerGroup> upgraded,
                                        const GroupTopics& topics) {
  if (group_.generation != 0) changed(ConsumerRecord::kClassic);
  // Whoever waits has to come again: to the new group.
  for (auto& [id, member] : group_.members) {
    fail_join(std::exchange(member.join_answer, 0), ErrorCode::kRebalanceInProgress, id);
    fail_sync(std::exchange(member.sync_answer, 0), ErrorCode::kRebalanceInProgress);
  }
  group_.members.clear();
  group_.static_members.clear();
  group_.pending_members.clear();
  group_.unsynced.clear();
  group_.initial_delay_left_ms = -1;
  group_.generation = 0;
  group_.protocol_type.reset();
  group_.protocol.reset();
  group_.leader.reset();
  group_.state = GroupState::kEmpty;
  if (upgraded) {
    group_.consumer = std::move(upgraded);
    refresh_metadata(topics);  // as far as its members know, nothing changes
    for (ConsumerRecordKey& key : consumer_keys(group_)) changed_.push_back(std::move(key));
    return all_are_given(*group_.consumer, topics);
  }
  group_.consumer.emplace();
  group_.consumer->epoch = 1;  // the first member makes it 2, as in Kafka
  return true;
}

bool GroupStepper::may_downgrade(const std::string& but) const {
  const auto& members = group_.consumer->members;
  return !members.empty() && is_one_of(limits_.migration, MigrationPolicy::kDowngrade) &&
         members.size() <= static_cast<std::size_t>(limits_.members_max) &&
         std::all_of(members.begin(), members.end(), [&but](const auto& entry) {
           return entry.first == but || entry.second.classic.has_value();
         });
}

void GroupStepper::downgrade(const GroupTopics& topics) {
  for (ConsumerRecordKey& key : consumer_keys(group_)) changed_.push_back(std::move(key));
  changed(ConsumerRecord::kClassic);
  ConsumerGroup was = *std::exchange(group_.consumer, std::nullopt);
  group_.generation = was.epoch;
  group_.protocol_type = "consumer";
  group_.static_members = std::move(was.static_members);
  for (const auto& [id, from] : was.members) {
    Member& member = group_.members[id] = classic_member(from, topics);
    heard_from(member);
  }
  group_.protocol = vote();
  // No leader yet: the first of a rebalance. decode_group() takes it for a rebalance that is due.
  group_.leader.reset();
  enter(GroupState::kStable);
}

}  // namespace penstock::broker
