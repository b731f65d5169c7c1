#include "broker/coordinator/at_group.h"

namespace penstock::broker {

void load_groups(const Topics& topics) {
  const TopicRef topic = topics.find(kConsumerOffsetsTopic);
  if (!topic) return;
  for (const PartitionRef& partition : topic->partitions) {
    PartitionHandle::on_owner(
        partition, [partition](Partition*) { partition->owner->groups().load(partition); });
  }
}

void ensure_offsets_topic(BrokerShard& shard, UniqueFunction<void(std::optional<ApiError>)> done) {
  ensure_internal(shard, kConsumerOffsetsTopic, load_groups, std::move(done));
}

void forget_topic(Broker& broker, const std::string& topic, std::int64_t until_ms,
                  UniqueFunction<void(bool)> done) {
  struct Forgetting {
    UniqueFunction<void(bool)> done;
    std::size_t left;  // control thread, as all of it
    bool stored = true;
  };
  auto forgetting =
      std::make_shared<Forgetting>(Forgetting{std::move(done), broker.shard_count(), true});
  for (std::size_t i = 0; i < broker.shard_count(); ++i) {
    BrokerShard& shard = broker.shard(i);
    shard.io().post([&broker, &shard, topic, until_ms, forgetting] {
      shard.groups().topic_deleted(topic, until_ms, [&broker, forgetting](bool stored) {
        broker.control().post([forgetting, stored] {
          forgetting->stored = forgetting->stored && stored;
          if (--forgetting->left == 0) forgetting->done(forgetting->stored);
        });
      });
    });
  }
}

}  // namespace penstock::broker
