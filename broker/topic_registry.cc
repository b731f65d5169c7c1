#include "broker/topic_registry.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "broker/broker.h"
#include "broker/broker_config.h"
#include "broker/metadata/topic_config.h"
#include "broker/partition.h"
#include "broker/pool.h"

namespace penstock::broker {

/// One change on its way through the stages below; everything in it belongs to the control thread,
/// save for the partition logs, each of which one pool thread fills in.
struct TopicRegistry::Change {
  enum class Kind : std::uint8_t { kApply, kLoad, kConfigure, kRemove, kLeftovers, kReopen };
  struct Opening {
    PartitionRef handle;
    TopicSettings settings;
    std::unique_ptr<log::Log> log;
    bool again = false;  // its failure is known
  };
  Kind kind;
  std::vector<TopicImage> images;
  std::shared_ptr<const BrokerConfig> config;
  std::string remove;  // a name
  Uuid leftovers_id;
  std::int32_t leftovers = 0;
  std::vector<TopicRef> topics;  // as they will be published; of a removal, as it was
  std::vector<Opening> openings;
  std::vector<Status> removed;  // one for each partition
  std::atomic<std::size_t> left{0};
  /// Gets the first topic, if any, and what went wrong.
  UniqueFunction<void(TopicRef, Status)> done;

  [[nodiscard]] Status failure() const {
    for (const Opening& opening : openings) {
      if (kind == Kind::kApply && !opening.handle->offline.text.empty())
        return tl::make_unexpected(opening.handle->offline);
    }
    for (const Status& status : removed) {
      if (!status) return status;
    }
    return {};
  }
};

TopicRegistry::TopicRegistry(Broker& broker)
    : broker_(broker), current_(std::make_shared<Topics>()) {}
TopicRegistry::~TopicRegistry() = default;

void TopicRegistry::apply(TopicImage image, UniqueFunction<void(Result<TopicRef>)> done) {
  auto change = std::make_shared<Change>();
  change->kind = Change::Kind::kApply;
  change->images.push_back(std::move(image));
  change->done = [done = std::move(done)](TopicRef topic, const Status& status) mutable {
    if (status)
      done(std::move(topic));
    else
      done(tl::make_unexpected(status.error()));
  };
  start(std::move(change));
}

void TopicRegistry::apply_all(std::vector<TopicImage> images, UniqueFunction<void()> done) {
  auto change = std::make_shared<Change>();
  change->kind = Change::Kind::kLoad;
  change->images = std::move(images);
  change->done = [done = std::move(done)](const TopicRef&, const Status&) mutable { done(); };
  start(std::move(change));
}

void TopicRegistry::configure(std::shared_ptr<const BrokerConfig> config,
                              UniqueFunction<void()> done) {
  auto change = std::make_shared<Change>();
  change->kind = Change::Kind::kConfigure;
  change->config = std::move(config);
  change->done = [done = std::move(done)](const TopicRef&, const Status&) mutable { done(); };
  start(std::move(change));
}

void TopicRegistry::remove(std::string name, UniqueFunction<void(TopicRef, Status)> done) {
  auto change = std::make_shared<Change>();
  change->kind = Change::Kind::kRemove;
  change->remove = std::move(name);
  change->done = std::move(done);
  start(std::move(change));
}

void TopicRegistry::remove_leftovers(std::string name, Uuid id, std::int32_t partitions,
                                     UniqueFunction<void(Status)> done) {
  auto change = std::make_shared<Change>();
  change->kind = Change::Kind::kLeftovers;
  change->remove = std::move(name);
  change->leftovers_id = id;
  change->leftovers = partitions;
  change->done = [done = std::move(done)](const TopicRef&, Status status) mutable {
    done(std::move(status));
  };
  start(std::move(change));
}

void TopicRegistry::reopen_full(UniqueFunction<void()> done) {
  const bool waiting = std::any_of(queue_.begin(), queue_.end(), [](const auto& change) {
    return change->kind == Change::Kind::kReopen;
  });
  const bool any =
      std::any_of(current_->all().begin(), current_->all().end(), [](const auto& entry) {
        const auto& partitions = entry.second->partitions;
        return std::any_of(partitions.begin(), partitions.end(), [](const PartitionRef& handle) {
          return handle->offline.code == Errc::kStorageFull && !handle->offline.text.empty();
        });
      });
  if (waiting || !any) return;
  auto change = std::make_shared<Change>();
  change->kind = Change::Kind::kReopen;
  change->done = [done = std::move(done)](const TopicRef&, const Status&) mutable { done(); };
  start(std::move(change));
}

void TopicRegistry::start(std::shared_ptr<Change> change) {
  queue_.push_back(std::move(change));
  if (queue_.size() == 1) next();
}

void TopicRegistry::next() {
  const std::shared_ptr<Change> change = queue_.front();
  switch (change->kind) {
    case Change::Kind::kApply:
    case Change::Kind::kLoad:
      return start_apply(change);
    case Change::Kind::kConfigure:
      return start_configure(change);
    case Change::Kind::kReopen:
      return start_reopen(change);
    case Change::Kind::kLeftovers:
      return start_leftovers(change);
    case Change::Kind::kRemove:
      break;
  }
  const TopicRef topic = current_->find(change->remove);
  if (!topic) return finished(change);
  change->topics.push_back(topic);
  publish(change);
}

/// Handles are fixed once they are published, so the topic gets new ones.
void TopicRegistry::start_reopen(const std::shared_ptr<Change>& change) {
  for (const auto& [name, topic] : current_->all()) {
    std::shared_ptr<Topic> next;
    for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
      const PartitionHandle& old = *topic->partitions[i];
      if (old.offline.code != Errc::kStorageFull || old.offline.text.empty()) continue;
      if (!next) next = std::make_shared<Topic>(*topic);
      auto handle = std::make_shared<PartitionHandle>();
      handle->topic = old.topic;
      handle->topic_id = old.topic_id;
      handle->index = old.index;
      handle->owner = old.owner;
      next->partitions[i] = handle;
      change->openings.push_back({std::move(handle), topic->settings, nullptr, true});
    }
    if (next) change->topics.push_back(std::move(next));
  }
  open_all(change);
}

void TopicRegistry::start_leftovers(const std::shared_ptr<Change>& change) {
  // Those of a topic that took the name since are not touched.
  const TopicRef now = current_->find(change->remove);
  const auto first = now ? static_cast<std::int32_t>(now->partitions.size()) : 0;
  broker_.pool().run([this, change, first] {
    for (std::int32_t i = first; i < change->leftovers; ++i) {
      change->removed.push_back(broker_.log_directory().delete_partition(
          change->remove, PartitionId(i), change->leftovers_id));
    }
    broker_.control().post([this, change] { finished(change); });
  });
}

void TopicRegistry::start_configure(const std::shared_ptr<Change>& change) {
  for (const auto& [name, before] : current_->all()) {
    auto settings = with_overrides(change->config->topic_defaults, before->overrides);
    if (!settings) {  // the change was judged before a topic was created that it does not suit
      spdlog::error("{} keeps its settings: {}", name, settings.error().text);
      continue;
    }
    auto topic = std::make_shared<Topic>(*before);
    topic->settings = *settings;
    for (const PartitionRef& handle : topic->partitions) {
      handle->owner->io().post([handle, settings = *settings] {
        if (handle->partition) handle->partition->set_settings(settings);
      });
    }
    change->topics.push_back(std::move(topic));
  }
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
    if (const TopicRef before = current_->find(image.name); before && before->id == image.id)
      topic->partitions = before->partitions;
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
        handle->offline = {
            Errc::kCorrupt,
            "its directory is gone: restore it and start again, or delete the topic"};
        spdlog::error("{}-{} is offline: {}", handle->topic, handle->index.value,
                      handle->offline.text);
        continue;
      }
      change->openings.push_back({std::move(handle), image.settings, nullptr, false});
    }
    change->topics.push_back(std::move(topic));
  }
  open_all(change);
}

namespace {
/// With flush=ack nobody may see what is in memory only: a process that died before its sync leaves
/// such records to the next one.
Status flush_found(Broker& broker, log::Log& log, FlushMode mode) {
  if (mode != FlushMode::kAck || log.flushed_end() == log.end()) return {};
  const auto task = log.begin_flush();
  if (log.offline()) return tl::make_unexpected(*log.offline());
  if (!task) return {};
  PENSTOCK_RETURN_IF_ERROR(task->run(broker.files()));
  log.apply_flush(*task);
  return {};
}

void open_one(Broker& broker, PartitionHandle& handle, const TopicSettings& settings, bool again,
              std::unique_ptr<log::Log>& to) {
  if (broker.opening_cancelled()) {
    handle.offline = {Errc::kCancelled, "the broker stops"};
    return;
  }
  if (const Error* failed = broker.storage_failure()) {
    handle.offline = *failed;
    return;
  }
  log::RecoveryReport report;
  auto opened = broker.log_directory().open_log(handle.topic, handle.index, handle.topic_id,
                                                settings.log, report);
  for (const std::string& note : report.notes)
    spdlog::warn("{}-{}: {}", handle.topic, handle.index.value, note);
  if (!opened) {
    if (!again)
      spdlog::error("{}-{} is offline: {}", handle.topic, handle.index.value, opened.error().text);
    handle.offline = opened.error();
    return;
  }
  // Offsets may be given to other records than before once records were lost: that needs an epoch
  // of its own (KIP-320).
  const LeaderEpoch latest = (*opened)->latest_epoch();
  // After a power cut whole batches may be missing at the end without a trace.
  const bool lost =
      report.bytes_cut > 0 || report.bytes_torn > 0 || report.loss_accepted || report.power_cut;
  if (report.power_cut && settings.flush == FlushMode::kOs) {
    spdlog::warn(
        "{}-{}: the computer restarted without a clean stop, and with penstock.flush=os records "
        "that "
        "were acknowledged shortly before may be lost; the log ends at offset {}",
        handle.topic, handle.index.value, (*opened)->end().value);
  }
  handle.leader_epoch =
      LeaderEpoch(std::max(latest.value, 0) + (lost && latest.value >= 0 ? 1 : 0));
  Status ready;
  if (handle.leader_epoch != latest) ready = (*opened)->begin_epoch(handle.leader_epoch);
  if (ready) ready = flush_found(broker, **opened, settings.flush);
  if (!ready) {
    spdlog::error("{}-{} is offline: {}", handle.topic, handle.index.value, ready.error().text);
    handle.offline = ready.error();
    return;
  }
  if (again) spdlog::info("{}-{} is open: there is room again", handle.topic, handle.index.value);
  to = std::move(*opened);
}
}  // namespace

void TopicRegistry::open_all(const std::shared_ptr<Change>& change) {
  change->left = change->openings.size();
  if (change->openings.empty()) return publish(change);
  for (Change::Opening& opening : change->openings) {
    broker_.pool().run([this, change, &opening] {
      open_one(broker_, *opening.handle, opening.settings, opening.again, opening.log);
      if (--change->left == 0) broker_.control().post([this, change] { opened(change); });
    });
  }
}

/// Hands the logs to their owners. The posts that publish come behind these on every shard.
void TopicRegistry::opened(const std::shared_ptr<Change>& change) {
  if (!change->failure()) return discard(change);
  for (Change::Opening& opening : change->openings) {
    if (!opening.log) continue;
    BrokerShard& owner = *opening.handle->owner;
    owner.io().post([&owner, handle = opening.handle, log = std::move(opening.log),
                     settings = opening.settings]() mutable {
      handle->partition =
          std::make_unique<Partition>(handle, std::move(log), settings, handle->leader_epoch);
      owner.partitions().push_back(handle);
    });
  }
  publish(change);
}

/// The topic is as it was before; what was made for the new partitions goes.
void TopicRegistry::discard(const std::shared_ptr<Change>& change) {
  change->topics.clear();
  broker_.pool().run([this, change] {
    for (Change::Opening& opening : change->openings) {
      const PartitionHandle& handle = *opening.handle;
      auto log = std::move(opening.log);
      const Status deleted = log ? broker_.log_directory().delete_log(std::move(log))
                                 : broker_.log_directory().delete_partition(
                                       handle.topic, handle.index, handle.topic_id);
      if (!deleted)
        spdlog::error("removing {}-{}: {}", handle.topic, handle.index.value, deleted.error().text);
    }
    broker_.control().post([this, change] { finished(change); });
  });
}

void TopicRegistry::publish(const std::shared_ptr<Change>& change) {
  Topics next = *current_;
  if (change->config) next.set_broker_config(change->config);
  for (const TopicRef& topic : change->topics) {
    if (change->kind != Change::Kind::kRemove)
      next.put(topic);
    else
      next.erase(topic->name);
  }
  current_ = std::make_shared<const Topics>(std::move(next));
  change->left = broker_.shard_count();
  for (std::size_t i = 0; i < broker_.shard_count(); ++i) {
    BrokerShard& shard = broker_.shard(i);
    shard.io().post([this, &shard, change, topics = current_] {
      shard.set_topics(topics);
      if (--change->left != 0) return;
      broker_.control().post([this, change] {
        if (change->kind != Change::Kind::kRemove)
          finished(change);
        else
          close_removed(change);
      });
    });
  }
}

void TopicRegistry::close_removed(const std::shared_ptr<Change>& change) {
  const TopicRef& topic = change->topics.front();
  change->left = topic->partitions.size();
  change->removed.resize(topic->partitions.size());
  for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
    const PartitionRef& handle = topic->partitions[i];
    handle->owner->io().post([this, change, handle, i] {
      std::unique_ptr<log::Log> log;
      if (handle->partition) log = handle->partition->release_log();
      handle->partition.reset();
      std::erase(handle->owner->partitions(), handle);
      broker_.pool().run([this, change, handle, i, log = std::move(log)]() mutable {
        log::LogDirectory& directory = broker_.log_directory();
        change->removed[i] =
            log ? directory.delete_log(std::move(log))
                : directory.delete_partition(handle->topic, handle->index, handle->topic_id);
        if (--change->left == 0) broker_.control().post([this, change] { finished(change); });
      });
    });
  }
}

void TopicRegistry::finished(const std::shared_ptr<Change>& change) {
  change->done(change->topics.empty() ? nullptr : change->topics.front(), change->failure());
  queue_.pop_front();
  if (!queue_.empty()) next();
}

}  // namespace penstock::broker
