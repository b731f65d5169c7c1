#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "broker/broker.h"
#include "broker/coordinator/coordinator.h"
#include "broker/handler.h"

namespace penstock::broker {

/// Where requests of one group go: its coordinator and partition, on the shard that owns both.
struct GroupPlace {
  GroupCoordinator* coordinator = nullptr;  // null while there is no __consumer_offsets
  PartitionRef partition;
};

/// Runs `work(GroupPlace)` on the shard where the group lives; on this one when there is no such
/// place.
template <class Work>
void at_group(BrokerShard& shard, std::string_view group_id, Work work) {
  PartitionRef partition = partition_of_group(*shard.topics(), group_id);
  if (!partition) return work(GroupPlace{});
  PartitionHandle::on_owner(partition, [partition, work = std::move(work)](Partition*) mutable {
    GroupPlace place{&partition->owner->groups(), partition};
    work(place);
  });
}

/// Gives `event` to the group and its answer to `answer`, on the group's shard.
template <class Answer, class Event>
void ask_group(BrokerShard& shard, std::string_view group_id, Event event,
               UniqueFunction<void(Answer&)> answer) {
  at_group(shard, group_id,
           [id = std::string(group_id), event = std::move(event),
            answer = std::move(answer)](const GroupPlace& place) mutable {
             if (place.coordinator == nullptr) {
               Answer none;
               none.error = protocol::ErrorCode::kCoordinatorNotAvailable;
               return answer(none);
             }
             if constexpr (requires { event.known_topics; })
               event.known_topics = place.coordinator->topics();
             place.coordinator->submit<Answer>(place.partition, id, std::move(event),
                                               std::move(answer));
           });
}

/// Creates __consumer_offsets if it is not there. `done` on any shard or the control thread.
void ensure_offsets_topic(BrokerShard& shard, UniqueFunction<void(std::optional<ApiError>)> done);
/// Begins to read all of __consumer_offsets, each partition on its owner.
void load_groups(const Topics& topics);
/// The topic is gone: so are all groups' offsets in it, as GroupCoordinator::topic_deleted() says.
/// From the control thread; `done` there.
void forget_topic(Broker& broker, const std::string& topic, std::int64_t until_ms,
                  UniqueFunction<void(bool)> done);

inline std::optional<std::string> owned(const std::optional<std::string_view>& text) {
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

}  // namespace penstock::broker
