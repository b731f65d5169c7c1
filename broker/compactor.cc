#include "broker/compactor.h"

#include <spdlog/spdlog.h>

#include <atomic>

#include "broker/broker.h"
#include "broker/partition.h"
#include "broker/pool.h"

namespace penstock::broker {

namespace {
constexpr double kOverdue = 2;
constexpr std::int64_t kFlushWaitMs =
    200;  // a compacted log is free for the next round after a flush of its directory
}  // namespace

struct Compactor::Round {
  explicit Round(std::size_t shards) : of_shard(shards), left(shards) {}
  std::vector<Candidate> of_shard;
  std::atomic<std::size_t> left;
};

Compactor::Compactor(Broker& broker) : broker_(broker) {}

void Compactor::start() { rest(); }

void Compactor::rest() {
  broker_.control().after(broker_.settings().cleaner.backoff_ms, [this] { look(); });
}

/// The partition with the largest dirty share beyond its min.cleanable.dirty.ratio.
Compactor::Candidate Compactor::dirtiest_of(const std::vector<PartitionRef>& partitions,
                                            const Names& left_alone) {
  Candidate best;
  for (const PartitionRef& handle : partitions) {
    if (!handle->partition || left_alone.contains({handle->topic, handle->index.value})) continue;
    Partition& partition = *handle->partition;
    if (partition.settings().log.cleanup_policy == log::CleanupPolicy::kDelete) continue;
    const auto dirty = partition.log().cleanable(partition.last_stable());
    if (!dirty)
      spdlog::error("compaction of {}-{}: {}", handle->topic, handle->index.value,
                    dirty.error().text);
    if (!dirty || !*dirty) continue;
    const double ratio = (*dirty)->overdue ? kOverdue : (*dirty)->dirty_ratio();
    if (ratio != kOverdue && ratio <= partition.settings().log.min_cleanable_dirty_ratio) continue;
    if (ratio > best.ratio) best = {handle, ratio};
  }
  return best;
}

void Compactor::look() {
  if (stopped_) return;
  const auto round = std::make_shared<Round>(broker_.shard_count());
  for (std::size_t i = 0; i < broker_.shard_count(); ++i) {
    BrokerShard& shard = broker_.shard(i);
    shard.io().post([this, &shard, round, i, left_alone = left_alone_] {
      round->of_shard[i] = dirtiest_of(shard.partitions(), left_alone);
      if (--round->left == 0) broker_.control().post([this, round] { choose(*round); });
    });
  }
}

void Compactor::choose(const Round& round) {
  if (stopped_) return;
  const Candidate* best = nullptr;
  for (const Candidate& one : round.of_shard) {
    if (one.handle && (best == nullptr || one.ratio > best->ratio)) best = &one;
  }
  if (best == nullptr) return rest();
  begin(best->handle);
}

void Compactor::begin(const PartitionRef& handle) {
  PartitionHandle::on_owner(handle, [this, handle](Partition* partition) {
    const auto done = [&](const Status& status) {
      broker_.control().post([this, handle, status] { report(handle, status); });
    };
    if (partition == nullptr) return done({});
    log::CompactionLimits limits;
    limits.map_bytes_max = broker_.settings().cleaner.map_bytes_max;
    limits.bytes_per_second = broker_.settings().cleaner.bytes_per_second;
    auto begun = partition->log().begin_compaction(partition->last_stable(), limits);
    if (!begun) return done(tl::make_unexpected(begun.error()));
    if (!*begun) return done({});
    broker_.pool().run(
        [this, handle, task = std::make_shared<log::CompactionTask>(std::move(**begun))] {
          Status ran = task->run(broker_.files());
          handle->owner->io().post(
              [this, handle, task, ran = std::move(ran)] { apply(handle, *task, ran); });
        });
  });
}

/// Owner shard.
void Compactor::apply(const PartitionRef& handle, const log::CompactionTask& task,
                      const Status& ran) {
  Status status = ran;
  Partition* partition = handle->partition.get();
  // A topic of the same name has another handle, and another log.
  if (partition != nullptr && !partition->log().offline()) {
    const std::uint64_t before = partition->log().size_bytes();
    status = partition->log().apply_compaction(task, ran);
    if (status) {
      spdlog::info("compacted {}-{} from offset {} to {}: {} to {} bytes ({} read, {} written)",
                   handle->topic, handle->index.value, task.input().from.value,
                   task.cleaned_to().value, before, partition->log().size_bytes(),
                   task.bytes_read(), task.bytes_written());
      partition->log_changed();
      partition->start_flush();
    } else if (task.staged()) {
      broker_.storage_failed(status.error());
      partition->go_offline(status.error());
    }
  }
  broker_.control().post([this, handle, status = std::move(status)] { report(handle, status); });
}

/// Damage is left for an operator; anything else is tried again after a rest.
void Compactor::report(const PartitionRef& handle, const Status& status) {
  if (stopped_) return;
  if (status) {
    broker_.control().after(kFlushWaitMs, [this] { look(); });
    return;
  }
  if (status.error().code != Errc::kCancelled) {
    spdlog::error("compaction of {}-{}: {}", handle->topic, handle->index.value,
                  status.error().text);
  }
  if (status.error().code == Errc::kCorrupt)
    left_alone_.insert({handle->topic, handle->index.value});
  rest();
}

}  // namespace penstock::broker
