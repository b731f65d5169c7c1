#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tl/expected.hpp>

#include "broker/metadata/stored_values.h"
#include "broker/topics.h"
#include "framework/base/error.h"
#include "framework/base/unique_function.h"
#include "framework/protocol/error_code.h"

namespace penstock::broker {

/// A failure as the protocol reports it.
struct ApiError {
  protocol::ErrorCode code = protocol::ErrorCode::kUnknownServerError;
  std::string text;
};

class MutationQuota;

struct NewTopic {
  std::string name;
  std::int32_t partitions = -1;  // -1: num.partitions
  std::map<std::string, std::string> overrides;
  bool internal = false;
  bool validate_only = false;
  std::shared_ptr<MutationQuota> quota = {};  // asked when all else is right; may be null
};

/// Changes to topics. All calls from any thread; they return at once. `done` runs on the control
/// thread, after the change is stored and every shard sees it (so answer from there, or post).
class TopicAdmin : public StoredValues {
 public:
  using Done = UniqueFunction<void(tl::expected<TopicRef, ApiError>)>;
  ~TopicAdmin() override = default;

  /// Applies everything that is stored; once, before anybody connects. `done` on the control
  /// thread.
  virtual void load(UniqueFunction<void(Status)> done) = 0;

  /// kInvalidTopic, kTopicAlreadyExists, kInvalidPartitions, kInvalidConfig, kStorageError,
  /// kThrottlingQuotaExceeded.
  virtual void create_topic(NewTopic topic, Done done) = 0;
  /// kUnknownTopicOrPartition. Gives the topic as it was.
  virtual void delete_topic(std::string name, std::shared_ptr<MutationQuota> quota, Done done) = 0;
  /// `total` partitions from now on. kInvalidPartitions when that is not more than now.
  virtual void add_partitions(std::string name, std::int32_t total, bool validate_only,
                              std::shared_ptr<MutationQuota> quota, Done done) = 0;
  /// Sets, or removes (nullopt), overrides. kInvalidConfig.
  virtual void alter_configs(std::string name,
                             std::map<std::string, std::optional<std::string>> changes,
                             bool validate_only, Done done) = 0;
  /// Sets, or removes (nullopt), settings of this broker (`own`) or of all. kInvalidRequest when
  /// one cannot be changed at run time, is wrong, or does not agree with a topic's.
  using AlterDone = UniqueFunction<void(std::optional<ApiError>)>;
  virtual void alter_broker(bool own, std::map<std::string, std::optional<std::string>> changes,
                            bool validate_only, AlterDone done) = 0;
  /// Sets, or removes (nullopt), settings of one group, which need not be there. kInvalidConfig.
  virtual void alter_group(std::string group,
                           std::map<std::string, std::optional<std::string>> changes,
                           bool validate_only, AlterDone done) = 0;
  /// Tries again what could not be finished: deletions, and partitions that found the disk full.
  /// Control thread, now and then.
  virtual void carry_on() = 0;
  /// A run of producer ids that nobody ever got and nobody else will get, this broker's later lives
  /// included.
  struct ProducerIdBlock {
    std::int64_t first = 0;
    std::int64_t count = 0;
  };
  virtual void next_producer_ids(
      UniqueFunction<void(tl::expected<ProducerIdBlock, ApiError>)> done) = 0;
};

class Broker;
/// The implementation this broker uses (broker/metadata).
std::unique_ptr<TopicAdmin> make_topic_admin(Broker& broker);

/// What has to be there; the control thread makes it so (TopicRegistry::apply).
struct TopicImage {
  std::string name;
  Uuid id;
  bool internal = false;
  std::int32_t partitions = 1;
  std::map<std::string, std::string> overrides;
  TopicSettings settings;
  /// Partitions that had a directory once and have none now: offline, and not created anew, which
  /// would hide the loss.
  std::set<std::int32_t> lost = {};
};

}  // namespace penstock::broker
