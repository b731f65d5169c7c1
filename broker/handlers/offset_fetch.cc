#include "broker/handlers/offset_fetch.h"

#include <map>
#include <memory>
#include <utility>

#include "broker/coordinator/at_group.h"
#include "broker/gather.h"
#include "broker/handlers/drop_repeats.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::OffsetFetchRequest;
using protocol::OffsetFetchResponse;

namespace {

struct AskedTopic {
  std::string name;
  Uuid id;  // from v10 on, then the name is what Topics knows under it, "" for nothing
  std::vector<std::int32_t> partitions;
};
struct Question {
  std::string group;
  std::optional<std::vector<AskedTopic>> topics;  // none: all
  std::shared_ptr<const Topics> by_id;            // set where topics go by their ids
  bool require_stable = false;
  std::optional<std::string>
      member_id;  // with the epoch: what a member of the consumer protocol says (v9+)
  std::int32_t member_epoch = -1;
};

Question question(std::string_view group,
                  const std::optional<std::vector<OffsetFetchRequest::Topic>>& topics,
                  bool require_stable) {
  Question out;
  out.group = group;
  out.require_stable = require_stable;
  if (!topics) return out;
  out.topics.emplace();
  for (const OffsetFetchRequest::Topic& topic : *topics)
    out.topics->push_back({std::string(topic.name), topic.id, topic.partitions});
  return out;
}

void find_names(std::shared_ptr<const Topics> topics, Question& asked) {
  asked.by_id = std::move(topics);
  if (!asked.topics) return;
  for (AskedTopic& topic : *asked.topics) {
    if (const TopicRef known = asked.by_id->find(topic.id)) topic.name = known->name;
  }
}

OffsetFetchResponse::Partition partition_of(std::int32_t index, const CommittedOffset* offset) {
  OffsetFetchResponse::Partition out;
  out.index = index;
  out.metadata = "";
  if (offset == nullptr) return out;
  out.offset = Offset(offset->offset);
  out.leader_epoch = offset->leader_epoch;
  out.metadata = offset->metadata;
  return out;
}

/// While a transaction is open, who asks for stable offsets has to ask again (KIP-447).
OffsetFetchResponse::Partition unstable_partition(std::int32_t index) {
  OffsetFetchResponse::Partition out = partition_of(index, nullptr);
  out.error = ErrorCode::kUnstableOffsetCommit;
  return out;
}

std::vector<OffsetFetchResponse::Topic> topics_of(const Question& asked, const Group* group) {
  std::vector<OffsetFetchResponse::Topic> out;
  if (asked.topics) {
    for (const auto& [name, id, partitions] : *asked.topics) {
      OffsetFetchResponse::Topic& topic = out.emplace_back();
      topic.name = name;
      topic.id = id;
      for (const std::int32_t index : partitions) {
        if (asked.by_id && name.empty()) {
          topic.partitions.push_back(partition_of(index, nullptr));
          topic.partitions.back().error = ErrorCode::kUnknownTopicId;
          continue;
        }
        const CommittedOffset* offset = nullptr;
        if (group != nullptr) {
          if (asked.require_stable && group->unstable({name, index})) {
            topic.partitions.push_back(unstable_partition(index));
            continue;
          }
          const auto at = group->offsets.find({name, index});
          if (at != group->offsets.end()) offset = &at->second;
        }
        topic.partitions.push_back(partition_of(index, offset));
      }
    }
    return out;
  }
  if (group == nullptr) return out;
  for (const auto& [key, offset] : group->offsets) {  // in order of topics
    const TopicRef known = asked.by_id ? asked.by_id->find(key.first) : nullptr;
    if (asked.by_id && !known) continue;  // without an id there is no way to tell of it
    if (out.empty() || out.back().name != key.first) out.emplace_back().name = key.first;
    if (known) out.back().id = known->id;
    out.back().partitions.push_back(asked.require_stable && group->unstable(key)
                                        ? unstable_partition(key.second)
                                        : partition_of(key.second, &offset));
  }
  return out;
}

/// When the group cannot be read every partition that was asked for says so, because v1 has no
/// other place for it.
std::vector<OffsetFetchResponse::Topic> refused_topics(const Question& asked, ErrorCode error) {
  std::vector<OffsetFetchResponse::Topic> out = topics_of(asked, nullptr);
  for (OffsetFetchResponse::Topic& topic : out) {
    for (OffsetFetchResponse::Partition& partition : topic.partitions) partition.error = error;
  }
  return out;
}

/// A member that was fenced must not go on from offsets that others committed (KIP-848). Whoever
/// names no member is let in.
ErrorCode check_member(const Question& asked, const Group* group) {
  if (!asked.member_id && asked.member_epoch < 0) return ErrorCode::kNone;
  if (group == nullptr || !group->consumer) return ErrorCode::kNone;
  const auto member = group->consumer->members.find(asked.member_id.value_or(""));
  if (member == group->consumer->members.end()) return ErrorCode::kUnknownMemberId;
  if (member->second.epoch == asked.member_epoch) return ErrorCode::kNone;
  return member->second.classic ? ErrorCode::kIllegalGeneration : ErrorCode::kStaleMemberEpoch;
}

OffsetFetchResponse::Group look_up(const Question& asked, const GroupPlace& place) {
  OffsetFetchResponse::Group out;
  out.id = asked.group;
  if (place.coordinator == nullptr) {
    out.error = ErrorCode::kCoordinatorNotAvailable;
    return out;
  }
  ErrorCode refused = ErrorCode::kNone;
  out.error = place.coordinator->look(place.partition, asked.group, [&](const Group* group) {
    refused = check_member(asked, group);
    if (refused == ErrorCode::kNone) out.topics = topics_of(asked, group);
  });
  if (out.error == ErrorCode::kNone) out.error = refused;
  return out;
}

}  // namespace

void handle_offset_fetch(RequestContext context, OffsetFetchRequest request,
                         Reply<OffsetFetchResponse> reply) {
  if (context.version < 8) {
    at_group(context.shard, request.group_id,
             [asked = question(request.group_id, request.topics, request.require_stable),
              reply = std::move(reply)](const GroupPlace& place) mutable {
               OffsetFetchResponse::Group found = look_up(asked, place);
               OffsetFetchResponse response;
               response.error = found.error;
               response.topics = found.error == ErrorCode::kNone
                                     ? std::move(found.topics)
                                     : refused_topics(asked, found.error);
               reply(response);
             });
    return;
  }
  drop_repeats(request.groups, [](const auto& group) { return group.id; });
  if (request.groups.empty()) return reply(OffsetFetchResponse());
  auto gather = std::make_shared<Gather<OffsetFetchResponse::Group>>(
      context.shard, request.groups.size(),
      [reply = std::move(reply)](std::vector<OffsetFetchResponse::Group> groups) mutable {
        OffsetFetchResponse response;
        response.groups = std::move(groups);
        reply(response);
      });
  for (std::size_t i = 0; i < request.groups.size(); ++i) {
    const OffsetFetchRequest::Group& group = request.groups[i];
    Question asked = question(group.id, group.topics, request.require_stable);
    if (group.member_id) asked.member_id = std::string(*group.member_id);
    asked.member_epoch = group.member_epoch;
    if (context.version >= 10) find_names(context.shard.topics(), asked);
    at_group(context.shard, group.id,
             [asked = std::move(asked), gather, i](const GroupPlace& place) {
               gather->put(i, look_up(asked, place));
             });
  }
}

}  // namespace penstock::broker
