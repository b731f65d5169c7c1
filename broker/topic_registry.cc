#include "broker/topic_registry.h"

#include <spdlog/spdlog.h>

#include <atomic>
#include <utility>

#include "broker/broker.h"
#include "broker/partition.h"
#include "broker/pool.h"

namespace penstock::broker {

/// One change on its way through the stages below; everything in it belongs to the control thread, save for the
/// partition logs, each of which one pool thread fills in.
struct TopicRegistry::Change {
  struct Opening {
    PartitionRef handle;
    TopicSettings settings;
    std::unique_ptr<log::Log> log;
  };
  std::vector<TopicImage> images;
  std::string remove;
  std::vector<TopicRef> topics;  // as they will be published; of a removal, as it was
  std::vector<Opening> openings;
  std::atomic<std::size_t> left{0};
  UniqueFunction<void(TopicRef)> done;
  UniqueFunction<void()> done_all;
};

TopicRegistry::TopicRegistry(Broker& broker) : broker_(broker), current_(std::make_shared<Topics>()) {}
TopicRegistry::~TopicRegistry() = default;

void TopicRegistry::apply(TopicImage image, UniqueFunction<void(TopicRef)> done) {
  auto change = std::make_shared<Change>();
  change->images.push_back(std::move(image));
  change->done = std::move(done);
  start(std::move(change));
}

void TopicRegistry::apply_all(std::vector<TopicImage> images, UniqueFunction<void()> done) {
  auto change = std::make_shared<Change>();
  change->images = std::move(images);
  change->done_all = std::move(done);
  start(std::move(change));
}

void TopicRegistry::remove(std::string name, UniqueFunction<void(TopicRef)> done) {
  auto change = std::make_shared<Change>();
  change->remove = std::move(name);
  change->done = std::move(done);
  start(std::move(change));
}

void TopicRegistry::start(std::shared_ptr<Change> change) {
  queue_.push_back(std::move(change));
  if (queue_.size() == 1) next();
}

void TopicRegistry::next() {
  const std::shared_ptr<Change> change = queue_.front();
  if (change->remove.empty()) return start_apply(change);
  const TopicRef topic = current_->find(change->remove);
  if (!topic) return finished(change);
  change->topics.push_back(topic);
  publish(change);
}

void TopicRegistry::start_apply(const std::shared_ptr<Change>& change) {
  for (TopicImage& image : change->images) {
    auto topic = std::make_shared<Topic>();
    topic->name = image.name;
    topic->id = image.id;
    topic->internal = image.internal;
    topic->overrides = std::move(image.overrides);
    topic->settings = image.settings;
    if (const TopicRef before = current_->find(image.name); before && before->id == image.id) topic->partitions = before->partitions;
    for (const PartitionRef& handle : topic->partitions) {
      handle->owner->io().post([handle, settings = image.settings] {
        if (handle->partition) handle->partition->set_settings(settings);
      });
    }
    while (topic->partitions.size() < static_cast<std::size_t>(image.partitions)) {
      auto handle = std::make_shared<PartitionHandle>();
      handle->topic = image.name;
      handle->topic_id = image.id;
      handle->index = PartitionId(static_cast<std::int32_t>(topic->partitions.size()));
      handle->owner = &broker_.owner_of(image.id, handle->index);
      topic->partitions.push_back(handle);
      if (image.lost.contains(handle->index.value)) {
        handle->offline = {Errc::kCorrupt, "its directory is gone: restore it and start again, or delete the topic"};
        spdlog::error("{}-{} is offline: {}", handle->topic, handle->index.value, handle->offline.text);
        continue;
      }
      change->openings.push_back({std::move(handle), image.settings, nullptr});
    }
    change->topics.push_back(std::move(topic));
  }
  open_all(change);
}

namespace {
void open_one(Broker& broker, PartitionHandle& handle, const TopicSettings& settings, std::unique_ptr<log::Log>& to) {
  if (broker.opening_cancelled()) {
    handle.offline = {Errc::kCancelled, "the broker stops"};
    return;
  }
  if (const Error* failed = broker.storage_failure()) {
    handle.offline = *failed;
    return;
  }
  log::RecoveryReport report;
  auto opened = broker.log_directory().open_log(handle.topic, handle.index, handle.topic_id, settings.log, report);
  for (const std::string& note : report.notes) spdlog::warn("{}-{}: {}", handle.topic, handle.index.value, note);
  if (!opened) {
    spdlog::error("{}-{} is offline: {}", handle.topic, handle.index.value, opened.error().text);
    handle.offline = opened.error();
    return;
  }
  // Offsets may be given to other records than before once records were lost: that needs an epoch of its own (KIP-320).
  const LeaderEpoch latest = (*opened)->latest_epoch();
  const bool lost = report.bytes_cut > 0 || report.bytes_torn > 0;
  handle.leader_epoch = LeaderEpoch(std::max(latest.value, 0) + (lost && latest.value >= 0 ? 1 : 0));
  if (handle.leader_epoch != latest) {
    if (const Status begun = (*opened)->begin_epoch(handle.leader_epoch); !begun) {
      spdlog::error("{}-{} is offline: {}", handle.topic, handle.index.value, begun.error().text);
      handle.offline = begun.error();
      return;
    }
  }
  to = std::move(*opened);
}
}  // namespace

void TopicRegistry::open_all(const std::shared_ptr<Change>& change) {
  change->left = change->openings.size();
  if (change->openings.empty()) return publish(change);
  for (Change::Opening& opening : change->openings) {
    broker_.pool().run([this, change, &opening] {
      open_one(broker_, *opening.handle, opening.settings, opening.log);
      if (--change->left == 0) broker_.control().post([this, change] { opened(change); });
    });
  }
}

/// Hands the logs to their owners. The posts that publish come behind these on every shard.
void TopicRegistry::opened(const std::shared_ptr<Change>& change) {
  for (Change::Opening& opening : change->openings) {
    if (!opening.log) continue;
    BrokerShard& owner = *opening.handle->owner;
    owner.io().post([&owner, handle = opening.handle, log = std::move(opening.log), settings = opening.settings]() mutable {
      handle->partition = std::make_unique<Partition>(handle, std::move(log), settings, handle->leader_epoch);
      owner.partitions().push_back(handle);
    });
  }
  publish(change);
}

void TopicRegistry::publish(const std::shared_ptr<Change>& change) {
  Topics next = *current_;
  for (const TopicRef& topic : change->topics) {
    if (change->remove.empty()) next.put(topic);
    else next.erase(topic->name);
  }
  current_ = std::make_shared<const Topics>(std::move(next));
  change->left = broker_.shard_count();
  for (std::size_t i = 0; i < broker_.shard_count(); ++i) {
    BrokerShard& shard = broker_.shard(i);
    shard.io().post([this, &shard, change, topics = current_] {
      shard.set_topics(topics);
      if (--change->left != 0) return;
      broker_.control().post([this, change] {
        if (change->remove.empty()) finished(change);
        else close_removed(change);
      });
    });
  }
}

void TopicRegistry::close_removed(const std::shared_ptr<Change>& change) {
  const TopicRef& topic = change->topics.front();
  change->left = topic->partitions.size();
  for (const PartitionRef& handle : topic->partitions) {
    handle->owner->io().post([this, change, handle] {
      std::unique_ptr<log::Log> log;
      if (handle->partition) log = handle->partition->release_log();
      handle->partition.reset();
      std::erase(handle->owner->partitions(), handle);
      broker_.pool().run([this, change, handle, log = std::move(log)]() mutable {
        if (log) {
          if (const Status deleted = broker_.log_directory().delete_log(std::move(log)); !deleted) {
            spdlog::error("deleting {}-{}: {}", handle->topic, handle->index.value, deleted.error().text);
          }
        }
        if (--change->left == 0) broker_.control().post([this, change] { finished(change); });
      });
    });
  }
}

void TopicRegistry::finished(const std::shared_ptr<Change>& change) {
  if (change->done) change->done(change->topics.empty() ? nullptr : change->topics.front());
  if (change->done_all) change->done_all();
  queue_.pop_front();
  if (!queue_.empty()) next();
}

}  // namespace penstock::broker
