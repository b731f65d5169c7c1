#include "broker/broker.h"

#include <sched.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <future>
#include <utility>

#include "broker/background.h"
#include "broker/client_quotas.h"
#include "broker/coordinator/at_group.h"
#include "broker/coordinator/at_transaction.h"
#include "broker/fetch_sessions.h"
#include "broker/partition.h"
#include "broker/pool.h"
#include "broker/quota_store.h"
#include "broker/removals.h"
#include "broker/session.h"
#include "framework/log/checkpoint_file.h"
#include "framework/log/directory_files.h"

namespace penstock::broker {

namespace {

constexpr int kControlShard = -1;
constexpr int kPoolThreads = 3;  // one may be compacting for long
constexpr int kShardsMax = 8;
constexpr std::chrono::milliseconds kInterruptCheck(20);

int default_shards() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  const int count = ::sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
  return std::clamp(count, 1, kShardsMax);
}

/// Spreads the 192 bits over all shards; a topic's partitions lie side by side on different ones.
std::size_t shard_of(const Uuid& topic_id, PartitionId partition, std::size_t shards) {
  const std::uint64_t hash =
      (topic_id.high ^ (topic_id.low * 0x9E3779B97F4A7C15ULL)) * 0xBF58476D1CE4E5B9ULL;
  return static_cast<std::size_t>(((hash >> 32) + static_cast<std::uint64_t>(partition.value)) %
                                  shards);
}

}  // namespace

BrokerShard::BrokerShard(Broker& broker, int index, std::size_t shards)
    : broker_(broker), io_(index), topics_(std::make_shared<Topics>()) {
  removals_ = std::make_unique<Removals>(*this);
  groups_ = std::make_unique<GroupCoordinator>(*this, broker.settings().coordinator);
  transactions_ = std::make_unique<TransactionCoordinator>(*this, broker.settings().transactions);
  const auto slots = static_cast<std::size_t>(broker.settings().fetch_sessions_max);
  FetchSessions::Options sessions;  // each shard has its share of the slots and the memory
  sessions.shard = static_cast<std::size_t>(index);
  sessions.shards = shards;
  sessions.slots_max = (slots + shards - 1) / shards;
  sessions.bytes_max /= shards;
  sessions.seed = Uuid::random().low;
  fetch_sessions_ = std::make_unique<FetchSessions>(sessions);
}
BrokerShard::~BrokerShard() = default;

void BrokerShard::producer_id(UniqueFunction<void(tl::expected<std::int64_t, ApiError>)> done) {
  if (producer_ids_.count > 0) {
    --producer_ids_.count;
    return done(producer_ids_.first++);
  }
  broker_.topic_admin().next_producer_ids(
      [this,
       done = std::move(done)](tl::expected<TopicAdmin::ProducerIdBlock, ApiError> got) mutable {
        io_.post([this, done = std::move(done), got = std::move(got)]() mutable {
          if (!got) return done(tl::make_unexpected(got.error()));
          // Of several blocks asked for at once the last is kept: ids are plenty.
          producer_ids_ = {got->first + 1, got->count - 1};
          done(got->first);
        });
      });
}

void BrokerShard::scrub(std::uint64_t bytes_max) {
  if (!scrubbing_) scrub_next(bytes_max, partitions_.size());
}

/// Each partition has its turn once at most; most have no cold segment.
void BrokerShard::scrub_next(std::uint64_t bytes_left, std::size_t partitions_left) {
  for (; bytes_left > 0 && partitions_left > 0 && !partitions_.empty(); --partitions_left) {
    const PartitionRef& handle = partitions_[scrub_turn_ % partitions_.size()];
    auto task = handle->partition ? handle->partition->log().begin_scrub(bytes_left)
                                  : Result<std::optional<log::ScrubTask>>(std::nullopt);
    if (!task)
      spdlog::error("scrubbing {}-{}: {}", handle->topic, handle->index.value, task.error().text);
    if (!task || !*task) {
      ++scrub_turn_;
      continue;
    }
    scrubbing_ = true;
    broker_.pool().run([this, handle, bytes_left, partitions_left,
                        piece = std::make_shared<log::ScrubTask>(std::move(**task))] {
      Status status = piece->run();
      io_.post([this, handle, bytes_left, partitions_left, piece, status = std::move(status)] {
        scrubbing_ = false;
        scrubbed(handle, *piece, status);
        const std::uint64_t read = std::max<std::uint64_t>(piece->position - piece->begin, 1);
        scrub_next(bytes_left - std::min(bytes_left, read), partitions_left);
      });
    });
    return;
  }
}

void BrokerShard::scrubbed(const PartitionRef& handle, const log::ScrubTask& task,
                           const Status& status) {
  Partition* partition = handle->partition.get();
  if (partition == nullptr) return;
  partition->log().apply_scrub(task);
  const Error* wrong = task.damage ? &*task.damage : nullptr;
  if (!status) wrong = &status.error();
  if (wrong == nullptr) return;
  spdlog::error("scrubbing {}-{}: {}", handle->topic, handle->index.value, wrong->text);
  if (wrong->code == Errc::kCorrupt) partition->go_offline(*wrong);
}

Broker::Broker(Settings settings, const Clock& clock, log::FileSystem& files)
    : settings_(std::move(settings)),
      clock_(clock),
      files_(files, [this](const Error& why) { storage_failed(why); }),
      control_(kControlShard),
      registry_(*this) {
  const int shards = settings_.shards > 0 ? settings_.shards : default_shards();
  quotas_ = std::make_unique<ClientQuotas>();
  for (int i = 0; i < shards; ++i)
    shards_.push_back(std::make_unique<BrokerShard>(*this, i, static_cast<std::size_t>(shards)));
}

Broker::~Broker() { delete failure_.load(); }

BrokerShard& Broker::owner_of(const Uuid& topic_id, PartitionId partition) {
  return *shards_[shard_of(topic_id, partition, shards_.size())];
}

Status Broker::open(const std::function<bool()>& interrupted) {
  log::LogDirectory::Options options;
  options.path = settings_.log_dir;
  options.cluster_id = settings_.cluster_id;
  options.broker_id = settings_.node_id;
  options.assume_power_cut = settings_.assume_power_cut;
  auto directory = log::LogDirectory::open(files_, clock_, std::move(options));
  if (!directory) return tl::make_unexpected(directory.error().in("log.dirs"));
  log_directory_ = std::move(*directory);
  if (!restore_reserve())
    spdlog::warn("{} is almost full: producers are refused until there is room", settings_.log_dir);
  pool_ = std::make_unique<Pool>(kPoolThreads);
  topic_admin_ = make_topic_admin(*this);
  background_ = std::make_unique<Background>(*this);
  for (auto& shard : shards_) shard->io().start();
  control_.start();
  std::promise<Status> loaded;
  control_.post([&] {
    topic_admin_->load([&](Status status) {
      if (status) status = load_quotas(*this);
      if (status) status = load_features(*this);
      loaded.set_value(std::move(status));
    });
  });
  auto result = loaded.get_future();
  while (result.wait_for(kInterruptCheck) != std::future_status::ready) {
    if (interrupted && !opening_cancelled() && interrupted()) opening_cancelled_ = true;
  }
  PENSTOCK_RETURN_IF_ERROR(result.get());
  if (opening_cancelled())
    return fail(Errc::kCancelled, "stopped while partitions were being opened");
  control_.post([this] {
    load_groups(registry_.current());
    load_transactions(registry_.current());
    topic_admin_->carry_on();
  });
  background_->start();
  return {};
}

void Broker::finish_long_polls() {
  for (auto& shard : shards_) {
    shard->io().post([s = shard.get()] {
      s->set_stopping();
      for (Session* session : s->sessions()) session->finish_long_polls();
      s->groups().stop();
      s->transactions().stop();
    });
  }
}

void Broker::close() {
  if (background_) background_->stop();
  control_.stop();
  for (auto& shard : shards_) shard->io().stop();
  pool_.reset();  // what is queued still runs; its results find no loop
  if (log_directory_) close_logs();
  topic_admin_.reset();
  log_directory_.reset();
}

/// All threads are joined: everything belongs to the caller.
void Broker::close_logs() {
  std::vector<log::LogDirectory::Checkpoint> checkpoints;
  bool clean = true;
  for (auto& shard : shards_) {
    for (const PartitionRef& handle : shard->partitions()) {
      if (!handle->partition) continue;
      log::Log& log = handle->partition->log();
      const Status closed =
          log.offline() ? Status(tl::make_unexpected(*log.offline())) : log.close();
      if (!closed) {
        spdlog::error("closing {}-{}: {}", handle->topic, handle->index.value, closed.error().text);
        clean = false;
        continue;
      }
      checkpoints.push_back({handle->topic, handle->index, handle->topic_id, log.flushed_end(),
                             log.start(), handle->partition->state().high_watermark,
                             log.cleaned_to(), log.size_bytes()});
    }
  }
  if (!clean || storage_failure() != nullptr) {
    spdlog::error("no clean-shutdown marker is written: the next start checks the logs");
    return;
  }
  if (const Status marked = log_directory_->close_clean(checkpoints); !marked) {
    spdlog::error("closing {}: {}", settings_.log_dir, marked.error().text);
  }
}

void Broker::storage_full(const Error& why) {
  control_.post([this, why] { background_->storage_full(why); });
}

void Broker::release_reserve(const Error& why) {
  reserve_missing_ = true;  // first, or producers would take it
  log_directory_->release_reserve();
  background_->storage_full(why);
}

bool Broker::restore_reserve() {
  const bool there = log_directory_->restore_reserve();
  reserve_missing_ = !there;
  return there;
}

std::optional<Error> Broker::refusal() const {
  if (const Error* failed = storage_failure()) return *failed;
  if (!reserve_missing_.load(std::memory_order_relaxed)) return std::nullopt;
  return Error{Errc::kStorageFull,
               settings_.log_dir + " is almost full: no records are taken until there is room"};
}

void Broker::file_ended_early(const std::string& path) {
  const std::filesystem::path file(path);
  const auto key = log::parse_partition_name(file.parent_path().filename().string());
  std::int64_t base = 0;
  if (!key || !log::parse_number(file.stem().string(), base)) return;
  control_.post([this, key = *key, base] {
    const PartitionRef handle = registry_.current().find(key.first, PartitionId(key.second));
    if (!handle) return;
    PartitionHandle::on_owner(handle, [base](Partition* partition) {
      if (partition == nullptr) return;
      if (const auto damage = partition->log().missing_end(Offset(base)))
        partition->go_offline(*damage);
    });
  });
}

void Broker::storage_failed(const Error& why) {
  auto failure = std::make_unique<const Error>(why);
  const Error* none = nullptr;
  if (!failure_.compare_exchange_strong(none, failure.get())) return;
  failure.release();
  spdlog::critical("{} takes no more records: {}", settings_.log_dir, why.text);
  for (auto& shard : shards_) {
    shard->io().post([s = shard.get(), why] {
      for (const PartitionRef& handle : s->partitions()) {
        if (handle->partition) handle->partition->go_offline(why);
      }
    });
  }
}

}  // namespace penstock::broker
