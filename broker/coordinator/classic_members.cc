#include <algorithm>
#include <utility>

#include "broker/coordinator/embedded_consumer.h"
#include "broker/coordinator/group_stepper.h"

// Members that speak the classic protocol in a group of the consumer protocol (KIP-848): the server
// assigns, and they are told by REBALANCE_IN_PROGRESS to join again and ask for what they got.
namespace penstock::broker {

using protocol::ErrorCode;

namespace {

constexpr std::string_view kConsumerType = "consumer";

Assignment by_id(const NamedPartitions& partitions, const GroupTopics& topics) {
  Assignment out;
  for (const auto& [name, numbers] : partitions) {
    const auto topic = topics.by_name.find(name);
    if (topic != topics.by_name.end()) out[topic->second.id] = numbers;
  }
  return out;
}

NamedPartitions by_name(const Holdings& holdings, const GroupTopics& topics) {
  NamedPartitions out;
  for (const auto& [topic, partitions] : partitions_of(holdings)) {
    const auto name = topics.names.find(topic);
    if (name != topics.names.end()) out[name->second] = partitions;
  }
  return out;
}

/// Whether one of the protocols is one that all classic members speak.
bool speaks_with_all(const JoinEvent& event, const ConsumerGroup& group) {
  if (event.protocol_type != kConsumerType) return false;
  return std::any_of(
      event.protocols.begin(), event.protocols.end(), [&group](const GroupProtocol& offered) {
        return std::all_of(group.members.begin(), group.members.end(), [&offered](const auto& e) {
          const std::optional<ClassicMembership>& other = e.second.classic;
          return !other || std::any_of(other->protocols.begin(), other->protocols.end(),
                                       [&](const auto& p) { return p.name == offered.name; });
        });
      });
}

}  // namespace

ConsumerMember* GroupStepper::find_mixed(const std::string& id,
                                         const std::optional<std::string>& instance_id,
                                         Code& error) const {
  ConsumerGroup& consumer = *group_.consumer;
  error = ErrorCode::kUnknownMemberId;
  if (instance_id) {
    const auto known = consumer.static_members.find(*instance_id);
    if (known == consumer.static_members.end()) return nullptr;
    if (known->second != id) {
      error = ErrorCode::kFencedInstanceId;
      return nullptr;
    }
  }
  const auto at = consumer.members.find(id);
  if (at == consumer.members.end()) return nullptr;
  error = ErrorCode::kNone;
  return &at->second;
}

void GroupStepper::has_to_join(ConsumerMember& member) {
  if (!member.join_deadline_ms)
    member.join_deadline_ms = now_.steady_ms + member.rebalance_timeout_ms;
}

GroupStepper::Code GroupStepper::check_join_mixed(const JoinEvent& event,
                                                  const std::string& id) const {
  const ConsumerGroup& consumer = *group_.consumer;
  if (limits_.migration == MigrationPolicy::kDisabled) return ErrorCode::kInconsistentGroupProtocol;
  const bool comes_back = event.instance_id && consumer.static_members.contains(*event.instance_id);
  const auto room = static_cast<std::size_t>(limits_.consumer_members_max);
  if (!comes_back && !consumer.members.contains(id) && consumer.members.size() >= room)
    return ErrorCode::kGroupMaxSizeReached;
  if (!speaks_with_all(event, consumer) || bytes_of(event.protocols) > limits_.classic_bytes_max)
    return ErrorCode::kInconsistentGroupProtocol;
  if (event.member_id.empty() && !event.instance_id && event.member_id_required)
    return ErrorCode::kMemberIdRequired;
  if (!event.member_id.empty() && event.instance_id) {
    Code error = ErrorCode::kNone;
    if (find_mixed(event.member_id, event.instance_id, error) == nullptr) return error;
  }
  return ErrorCode::kNone;
}

void GroupStepper::join_mixed(JoinEvent& event) {
  ConsumerGroup& consumer = *group_.consumer;
  const GroupTopics& topics = *event.known_topics;
  const std::string id = event.member_id.empty() ? event.new_member_id : event.member_id;
  const Code error = check_join_mixed(event, id);
  if (error == ErrorCode::kMemberIdRequired) return fail_join(event.answer, error, id);
  if (error != ErrorCode::kNone) return fail_join(event.answer, error, "");
  const auto subscription = read_subscription(event.protocols.front().metadata);
  if (!subscription) return fail_join(event.answer, ErrorCode::kInconsistentGroupProtocol, "");

  // The last one of the consumer protocol may come back as a classic member.
  bool last = false;
  if (event.instance_id) {
    const auto known = consumer.static_members.find(*event.instance_id);
    if (known != consumer.static_members.end()) {
      const std::string old_id = known->second;
      last = !consumer.members.at(old_id).classic && may_downgrade(old_id);
      if (event.member_id.empty()) replace_static(*event.instance_id, id);
    }
  }
  const bool is_new = !consumer.members.contains(id);
  ConsumerMember& member = consumer.members[id];
  const ConsumerMember before = member;
  member.id = id;
  if (event.instance_id) consumer.set_instance(member, event.instance_id);
  if (subscription->rack_id) member.rack_id = subscription->rack_id;
  member.rebalance_timeout_ms = event.rebalance_timeout_ms;
  member.topics = subscription->topics;
  member.regex.clear();
  member.client_id = std::move(event.client_id);
  member.client_host = std::move(event.client_host);
  member.classic = ClassicMembership{event.session_timeout_ms, std::move(event.protocols)};
  if (is_new || !member.same_subscription(before)) changed(ConsumerRecord::kMember, id);

  Said said;
  said.owned = by_id(subscription->owned, topics);
  said.other_topics = is_new || member.topics != before.topics || member.regex != before.regex;
  const std::string chosen = member.classic->protocols.front().name;
  JoinAnswer out;
  out.to = event.answer;
  out.protocol_type = kConsumerType;
  out.member_id = id;
  PendingConsumer answers;
  if (last) {
    refresh_epoch(topics, said.other_topics);
    if (consumer.epoch == consumer.assignment_epoch) reconcile_member(id, said, topics);
    const bool stale = state_name(consumer) != "Stable";
    downgrade(topics);
    if (stale) {
      group_.members.at(id).join_answer = out.to;
      prepare_rebalance();
    } else {
      group_.leader = group_.members.begin()->first;
      out.generation = group_.generation;
      out.protocol = group_.protocol;
      answers.joins.push_back(std::move(out));
    }
    return store_consumer(std::move(answers));
  }
  refresh_targets(topics, said.other_topics);
  reconcile_member(id, said, topics);
  member.session_deadline_ms = now_.steady_ms + event.session_timeout_ms;
  member.rebalance_deadline_ms.reset();
  member.join_deadline_ms.reset();
  member.sync_deadline_ms = now_.steady_ms + event.rebalance_timeout_ms;
  out.generation = member.epoch;
  out.protocol = chosen;
  answers.joins.push_back(std::move(out));
  store_consumer(std::move(answers));
}

void GroupStepper::sync_mixed(SyncEvent& event) {
  Code error = ErrorCode::kNone;
  ConsumerMember* member = find_mixed(event.member_id, event.instance_id, error);
  if (member == nullptr) return fail_sync(event.answer, error);
  if (!member->classic) return fail_sync(event.answer, ErrorCode::kUnknownMemberId);
  if (event.generation != member->epoch)
    return fail_sync(event.answer, ErrorCode::kIllegalGeneration);
  const GroupProtocol& chosen = member->classic->protocols.front();
  if ((event.protocol_type && event.protocol_type != kConsumerType) ||
      (event.protocol && event.protocol != chosen.name)) {
    return fail_sync(event.answer, ErrorCode::kInconsistentGroupProtocol);
  }
  // Who has to let go of partitions has joined already, and gets what it keeps.
  if (group_.consumer->assignment_epoch > member->epoch &&
      member->state != ConsumerMemberState::kUnrevoked) {
    has_to_join(*member);
    return fail_sync(event.answer, ErrorCode::kRebalanceInProgress);
  }
  member->sync_deadline_ms.reset();
  member->session_deadline_ms = now_.steady_ms + member->classic->session_timeout_ms;
  if (event.answer == 0) return;
  const auto subscription = read_subscription(chosen.metadata);
  SyncAnswer out;
  out.to = event.answer;
  out.protocol_type = event.protocol_type;
  out.protocol = event.protocol;
  out.assignment = write_assignment(by_name(member->assigned, *event.known_topics),
                                    subscription ? subscription->version : 0);
  emit(std::move(out));
}

void GroupStepper::heartbeat_mixed(HeartbeatEvent& event) {
  Code error = ErrorCode::kNone;
  ConsumerMember* member = find_mixed(event.member_id, event.instance_id, error);
  if (member == nullptr) return answer(event.answer, error);
  if (!member->classic) return answer(event.answer, ErrorCode::kUnknownMemberId);
  if (event.generation != member->epoch) return answer(event.answer, ErrorCode::kIllegalGeneration);
  member->session_deadline_ms = now_.steady_ms + member->classic->session_timeout_ms;
  // In Kafka only members of the consumer protocol, and those who join, have targets computed. Here
  // a group in which only classic ones are left goes on too.
  refresh_targets(*event.known_topics, false);
  store_consumer({});
  const bool joins = member->epoch < group_.consumer->assignment_epoch ||
                     member->state == ConsumerMemberState::kUnrevoked ||
                     (member->state == ConsumerMemberState::kUnreleased &&
                      !waits_for_others(*group_.consumer, *member));
  if (joins) has_to_join(*member);
  answer(event.answer, joins ? ErrorCode::kRebalanceInProgress : ErrorCode::kNone);
}

void GroupStepper::leave_mixed(LeaveEvent& event) {
  LeaveAnswer out;
  out.to = event.answer;
  std::set<std::string> leaving;
  for (LeaveEvent::Who& who : event.members) {
    Code error = ErrorCode::kNone;
    std::string id = who.member_id;
    const auto& instances = group_.consumer->static_members;
    // An operator removes a static member by its name alone.
    if (const auto known = who.instance_id ? instances.find(*who.instance_id) : instances.end();
        id.empty() && known != instances.end()) {
      id = known->second;
    }
    if (find_mixed(id, who.instance_id, error) != nullptr) leaving.insert(id);
    out.members.push_back({std::move(who.member_id), std::move(who.instance_id), error});
  }
  if (!leaving.empty()) fence_consumers({leaving.begin(), leaving.end()}, *event.known_topics);
  PendingConsumer answers;
  answers.leaves.push_back(std::move(out));
  store_consumer(std::move(answers));
}

}  // namespace penstock::broker
