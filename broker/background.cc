#include "broker/background.h"

#include <spdlog/spdlog.h>

#include <atomic>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "broker/partition.h"
#include "broker/pool.h"
#include "broker/removals.h"

namespace penstock::broker {

namespace {
constexpr std::int64_t kScrubMs = 1'000;
constexpr std::uint64_t kRoomBytes = 4 << 20;
}  // namespace

/// One checkpoint of all partitions; each shard fills in its own list.
struct Background::Round {
  explicit Round(std::size_t shards) : of_shard(shards), left(shards) {}
  std::vector<std::vector<log::LogDirectory::Checkpoint>> of_shard;
  std::atomic<std::size_t> left;
};

Background::Background(Broker& broker) : broker_(broker), compactor_(broker) {}

void Background::start() {
  broker_.control().post([this] {
    broker_.control().after(broker_.settings().checkpoint_ms, [this] { checkpoint(); });
    broker_.control().after(broker_.settings().retention_check_ms, [this] { retention(); });
    if (broker_.settings().scrub_bytes_per_second > 0)
      broker_.control().after(kScrubMs, [this] { scrub(); });
    if (broker_.settings().cleaner.enabled) compactor_.start();
  });
}

void Background::stop() {
  broker_.control().post([this] {
    stopped_ = true;
    compactor_.stop();
  });
  for (std::size_t i = 0; i < broker_.shard_count(); ++i) {
    BrokerShard& shard = broker_.shard(i);
    shard.io().post([&shard] {
      for (const PartitionRef& handle : shard.partitions()) {
        if (handle->partition) handle->partition->log().cancel_compaction();
      }
    });
  }
}

/// The flushes started in one round are what the next round's recovery points are made of.
void Background::checkpoint() {
  if (stopped_) return;
  broker_.control().after(broker_.settings().checkpoint_ms, [this] { checkpoint(); });
  look_for_room();
  broker_.topic_admin().carry_on();
  if (std::exchange(checkpointing_, true)) return;
  collect(std::make_shared<Round>(broker_.shard_count()));
}

void Background::collect(const std::shared_ptr<Round>& round) {
  for (std::size_t i = 0; i < broker_.shard_count(); ++i) {
    BrokerShard& shard = broker_.shard(i);
    shard.io().post([this, &shard, round, i] {
      for (const PartitionRef& handle : shard.partitions()) {
        Partition* partition = handle->partition.get();
        if (partition == nullptr) continue;
        const log::Log& log = partition->log();
        round->of_shard[i].push_back({handle->topic, handle->index, handle->topic_id,
                                      log.flushed_end(), log.start(),
                                      partition->state().high_watermark, log.cleaned_to()});
        partition->start_flush();
      }
      shard.removals().unlink_all();
      if (--round->left == 0) broker_.control().post([this, round] { write(round); });
    });
  }
}

void Background::write(const std::shared_ptr<Round>& round) {
  if (stopped_) return;
  std::vector<log::LogDirectory::Checkpoint> all;
  for (auto& part : round->of_shard) std::move(part.begin(), part.end(), std::back_inserter(all));
  broker_.pool().run([this, all = std::move(all)] {
    if (const Status written = broker_.log_directory().write_checkpoints(all); !written) {
      spdlog::warn("checkpoints of {} were not written: {}", broker_.settings().log_dir,
                   written.error().text);
    }
    broker_.log_directory().remove_deleted();
    broker_.control().post([this] { checkpointing_ = false; });
  });
}

void Background::retention() {
  if (stopped_) return;
  broker_.control().after(broker_.settings().retention_check_ms, [this] { retention(); });
  for (std::size_t i = 0; i < broker_.shard_count(); ++i) {
    BrokerShard& shard = broker_.shard(i);
    shard.io().post([&shard] { shard.removals().retain_all(); });
  }
}

/// One partition of each shard a second, in turn.
void Background::scrub() {
  if (stopped_) return;
  broker_.control().after(kScrubMs, [this] { scrub(); });
  const auto share =
      static_cast<std::uint64_t>(broker_.settings().scrub_bytes_per_second) / broker_.shard_count();
  for (std::size_t i = 0; i < broker_.shard_count(); ++i) {
    BrokerShard& shard = broker_.shard(i);
    shard.io().post([&shard, share] { shard.scrub(share); });
  }
}

void Background::storage_full(const Error& why) {
  if (std::exchange(full_, true)) return;
  spdlog::error("{}: producers are refused until there is room: {}", broker_.settings().log_dir,
                why.text);
}

void Background::look_for_room() {
  if (!broker_.restore_reserve() || !full_) return;
  const auto free = broker_.files().free_bytes(broker_.settings().log_dir);
  if (!free || *free < kRoomBytes) return;
  full_ = false;
  spdlog::info("{} has room again", broker_.settings().log_dir);
}

}  // namespace penstock::broker
