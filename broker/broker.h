#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/features.h"
#include "broker/settings.h"
#include "broker/sync_watch.h"
#include "broker/topic_admin.h"
#include "broker/topic_registry.h"
#include "broker/topics.h"
#include "framework/base/clock.h"
#include "framework/base/ids.h"
#include "framework/base/unique_function.h"
#include "framework/log/log_directory.h"
#include "framework/net/shard.h"

namespace penstock::broker {

class Broker;
class Background;
class ClientQuotas;
class FetchSessions;
class GroupCoordinator;
class Pool;
class Removals;
class Session;
class TransactionCoordinator;

/// What belongs to one shard besides its connections. Only its own thread touches it, save for
/// `io().post()`.
class BrokerShard {
 public:
  BrokerShard(Broker& broker, int index, std::size_t shards);
  ~BrokerShard();

  [[nodiscard]] Broker& broker() { return broker_; }
  [[nodiscard]] net::Shard& io() { return io_; }
  [[nodiscard]] int index() const { return io_.index(); }
  /// The topics as this shard knows them. Hold the pointer over anything that waits.
  [[nodiscard]] const std::shared_ptr<const Topics>& topics() const { return topics_; }
  void set_topics(std::shared_ptr<const Topics> topics) { topics_ = std::move(topics); }
  /// Partitions that this shard owns and that are open.
  [[nodiscard]] std::vector<PartitionRef>& partitions() { return partitions_; }

  /// The broker stops: nothing waits any more.
  [[nodiscard]] bool stopping() const { return stopping_; }
  void set_stopping() { stopping_ = true; }
  /// Re-reads about `bytes_max` of cold segments on the pool, partition by partition; nothing while
  /// that is under way. Damage takes the partition offline.
  void scrub(std::uint64_t bytes_max);
  /// How records leave the partitions of this shard.
  [[nodiscard]] Removals& removals() { return *removals_; }
  /// Clients connected to this shard.
  [[nodiscard]] std::set<Session*>& sessions() { return sessions_; }
  /// The groups whose partitions of __consumer_offsets this shard owns.
  [[nodiscard]] GroupCoordinator& groups() { return *groups_; }
  /// The transactional ids whose partitions of __transaction_state this shard owns.
  [[nodiscard]] TransactionCoordinator& transactions() { return *transactions_; }
  /// The incremental fetch sessions whose ids name this shard.
  [[nodiscard]] FetchSessions& fetch_sessions() { return *fetch_sessions_; }
  /// One producer id; `done` on this shard.
  void producer_id(UniqueFunction<void(tl::expected<std::int64_t, ApiError>)> done);

 private:
  Broker& broker_;
  net::Shard io_;
  std::shared_ptr<const Topics> topics_;
  std::vector<PartitionRef> partitions_;
  std::set<Session*> sessions_;
  void scrub_next(std::uint64_t bytes_left, std::size_t partitions_left);
  void scrubbed(const PartitionRef& handle, const log::ScrubTask& task, const Status& status);

  std::size_t scrub_turn_ = 0;
  bool scrubbing_ = false;
  bool stopping_ = false;
  TopicAdmin::ProducerIdBlock producer_ids_;
  std::unique_ptr<Removals> removals_;
  std::unique_ptr<GroupCoordinator> groups_;
  std::unique_ptr<TransactionCoordinator> transactions_;
  std::unique_ptr<FetchSessions> fetch_sessions_;
};

/// The broker as its handlers see it. The references are good for the broker's life and from any
/// thread; what they refer to has its own rules.
class Broker {
 public:
  Broker(Settings settings, const Clock& clock, log::FileSystem& files);
  ~Broker();

  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }
  [[nodiscard]] log::FileSystem& files() { return files_; }
  [[nodiscard]] std::size_t shard_count() const { return shards_.size(); }
  [[nodiscard]] BrokerShard& shard(std::size_t index) { return *shards_[index]; }
  /// The shard that owns a partition, whether it exists yet or not.
  [[nodiscard]] BrokerShard& owner_of(const Uuid& topic_id, PartitionId partition);
  /// The thread of metadata changes.
  [[nodiscard]] net::Shard& control() { return control_; }
  /// For what blocks: fsync, recovery, cold reads.
  [[nodiscard]] Pool& pool() { return *pool_; }
  [[nodiscard]] TopicAdmin& topic_admin() { return *topic_admin_; }
  /// What clients may use. Any thread.
  [[nodiscard]] ClientQuotas& quotas() { return *quotas_; }
  [[nodiscard]] TopicRegistry& registry() { return registry_; }  // control thread only
  [[nodiscard]] log::LogDirectory& log_directory() { return *log_directory_; }
  /// What this broker does of what is new in the protocol. Any thread.
  [[nodiscard]] Features& features() { return features_; }
  [[nodiscard]] const std::string& cluster_id() const { return log_directory_->cluster_id(); }
  /// Host and port that Metadata names; the port is known after listening.
  [[nodiscard]] const Endpoint& advertised() const { return advertised_; }
  void set_advertised(Endpoint endpoint) { advertised_ = std::move(endpoint); }

  /// A producer's write found the disk full; said once, until there is room. The reserve is not for
  /// producers. Any thread.
  void storage_full(const Error& why);
  /// The metadata found the disk full: frees the reserve for it and refuses records until the
  /// reserve could be taken again. Control thread.
  void release_reserve(const Error& why);
  /// Tries to take the reserve again; true when it is there. Control thread.
  bool restore_reserve();
  /// fsync failed: that is final for the data directory, so no partition takes records any more,
  /// nor does the metadata. Any thread.
  void storage_failed(const Error& why);
  /// That failure; nullptr when all is well. Any thread.
  [[nodiscard]] const Error* storage_failure() const {
    return failure_.load(std::memory_order_acquire);
  }
  /// A segment's file was found to end before the segment does: its partition takes no more
  /// records. Any thread.
  void file_ended_early(const std::string& path);
  /// Why no records are taken now: the data directory failed, or the reserve is not there. Any
  /// thread.
  [[nodiscard]] std::optional<Error> refusal() const;
  /// A stop was asked for while partitions were being opened: the rest stays closed. Any thread.
  [[nodiscard]] bool opening_cancelled() const {
    return opening_cancelled_.load(std::memory_order_acquire);
  }

  /// Opens the data directory and every partition in it, then starts the shards. Errors name the
  /// directory and what to do. kCancelled when `interrupted`, asked now and then, said so before
  /// all partitions were open; close() then leaves the rest as it was.
  Status open(const std::function<bool()>& interrupted = {});
  /// Flushes and closes all partitions, writes the clean-shutdown marker, joins the threads. No
  /// connection may be left.
  void close();
  /// Answers every long poll with what there is; part of a stop, before the connections are closed.
  void finish_long_polls();

 private:
  void close_logs();

  const Settings settings_;
  const Clock& clock_;
  Features features_;
  std::atomic<const Error*> failure_{nullptr};  // owned; set once
  std::atomic<bool> reserve_missing_{false};
  std::atomic<bool> opening_cancelled_{false};
  SyncWatch files_;
  std::unique_ptr<log::LogDirectory> log_directory_;
  std::unique_ptr<Pool> pool_;
  net::Shard control_;
  std::vector<std::unique_ptr<BrokerShard>> shards_;
  TopicRegistry registry_;
  std::unique_ptr<ClientQuotas> quotas_;
  std::unique_ptr<TopicAdmin> topic_admin_;
  std::unique_ptr<Background> background_;
  Endpoint advertised_;
};

/// Internal topics (the coordinators' logs). Both run on the partition's owner shard, which the
/// caller is on.

/// Appends one batch with acks=all and gives its base offset once it is committed. The first of a
/// transaction needs a `guard`, as in Partition::append().
void append_internal(Partition& partition, std::vector<std::byte> batch,
                     UniqueFunction<void(tl::expected<Offset, ApiError>)> done,
                     std::uint64_t guard = 0);
/// Reads everything from the log start to the high watermark as it is now, file reads on the pool.
/// `on_batches` gets whole batches in order, `done` comes last; both run on the owner shard. Ends
/// with an error when the partition goes away or is damaged.
void read_internal(const PartitionRef& handle, UniqueFunction<void(ByteView)> on_batches,
                   UniqueFunction<void(Status)> done);
/// Walks whole batches, as read_internal() gives them. Control batches go to `on_control`. Ends
/// with the first error, which names the offset if it is a record's.
Status replay_internal(
    ByteView batches,
    const std::function<Status(const record::BatchHeader&, const record::RecordView&)>& on_record,
    const std::function<Status(const record::BatchView&)>& on_control);
/// Creates the topic if it is not there, and has `load` begin to read it. `done` on any shard or
/// the control thread.
void ensure_internal(BrokerShard& shard, std::string_view topic, void (*load)(const Topics&),
                     UniqueFunction<void(std::optional<ApiError>)> done);

}  // namespace penstock::broker
