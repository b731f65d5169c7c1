#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/broker.h"
#include "broker/broker_config.h"
#include "broker/metadata/metadata_store.h"
#include "broker/topic_admin.h"

namespace penstock::broker {

/// Topics as the metadata store has them: stored first, then applied, then answered. Everything but
/// the calls themselves runs on the control thread.
class SqliteTopics final : public TopicAdmin {
 public:
  explicit SqliteTopics(Broker& broker) : broker_(broker) {}

  void load(UniqueFunction<void(Status)> done) override;
  void create_topic(NewTopic topic, Done done) override;
  void delete_topic(std::string name, std::shared_ptr<MutationQuota> quota, Done done) override;
  void add_partitions(std::string name, std::int32_t total, bool validate_only,
                      std::shared_ptr<MutationQuota> quota, Done done) override;
  void alter_configs(std::string name, std::map<std::string, std::optional<std::string>> changes,
                     bool validate_only, Done done) override;
  void alter_broker(bool own, std::map<std::string, std::optional<std::string>> changes,
                    bool validate_only, AlterDone done) override;
  void alter_group(std::string group, std::map<std::string, std::optional<std::string>> changes,
                   bool validate_only, AlterDone done) override;
  void carry_on() override;
  void next_producer_ids(
      UniqueFunction<void(tl::expected<ProducerIdBlock, ApiError>)> done) override;
  Result<std::vector<std::pair<std::string, std::string>>> values(std::string_view prefix) override;
  Result<std::int64_t> revision() override;
  Status store_values(
      std::vector<std::pair<std::string, std::optional<std::string>>> values) override;

 private:
  struct Stored {
    Uuid id;
    std::int32_t partitions = 1;
    std::int32_t opened =
        0;  // partitions that once had a directory: a missing one among them is a loss
    std::map<std::string, std::string> overrides;
    std::int64_t revision = 0;
  };

  /// A deleted topic of which something is left; noted in the store until nothing is.
  struct Deletion {
    enum class Part : std::uint8_t { kLeft, kUnderWay, kGone };
    std::string name;
    Uuid id;
    std::int32_t partitions = 0;
    std::int64_t at_ms = 0;  // wall; offsets committed later are of another topic of that name
    std::int64_t revision = 0;
    Part directories = Part::kLeft;
    Part offsets = Part::kLeft;
  };

  void create_now(NewTopic topic, Done done);
  void delete_now(const std::string& name, MutationQuota* quota, Done done);
  void add_now(const std::string& name, std::int32_t total, bool validate_only,
               MutationQuota* quota, Done done);
  void alter_now(const std::string& name,
                 const std::map<std::string, std::optional<std::string>>& changes,
                 bool validate_only, Done done);
  void producer_ids_now(UniqueFunction<void(tl::expected<ProducerIdBlock, ApiError>)> done);

  void alter_broker_now(bool own, const std::map<std::string, std::optional<std::string>>& changes,
                        bool validate_only, AlterDone done);
  void alter_group_now(const std::string& group,
                       const std::map<std::string, std::optional<std::string>>& changes,
                       bool validate_only, AlterDone done);
  Result<std::map<std::string, GroupConfig, std::less<>>> read_group_configs();
  [[nodiscard]] std::string broker_config_key(bool own) const;
  Status read_broker_config();
  void publish_broker_config(BrokerConfig config, UniqueFunction<void()> done);
  [[nodiscard]] Result<TopicSettings> settings_with(
      const std::map<std::string, std::string>& overrides) const;

  Status open_store();
  Status read_topics();
  Status read_deletions();
  void remove_leftovers(const std::vector<log::LogDirectory::Found>& found);
  /// Takes the topic out of the store and notes what has to go with it.
  Status note_deletion(const std::string& name);
  void go_on_deleting(const std::string& key);
  void forget_offsets(const std::string& key);
  void directories_removed(const std::string& key, const Status& status);
  void take_back(const std::string& name, const Uuid& id, std::int32_t partitions_before);
  [[nodiscard]] std::optional<ApiError> refuse_name(const std::string& name) const;
  [[nodiscard]] Result<TopicImage> image_of(const std::string& name, const Stored& topic) const;
  /// Writes `topic` under its name, with what else has to change at the same time, and remembers
  /// it.
  Status save(const std::string& name, Stored topic);
  Status commit(std::vector<MetadataStore::Write> writes, std::int64_t& revision);
  /// Opens partitions and publishes, then counts those that have a directory now, then `done`.
  /// When partitions cannot be opened there are as many as before, and with 0 no topic.
  void apply(const std::string& name, std::int32_t partitions_before, Done done);
  void count_opened(const std::string& name);

  Broker& broker_;
  std::unique_ptr<MetadataStore> store_;
  std::map<std::string, Stored, std::less<>> topics_;
  std::map<std::string, Deletion> deletions_;  // by key
  std::shared_ptr<const BrokerConfig> broker_config_;
  std::int64_t broker_config_revision_[2] = {};  // of all brokers' entry, of this broker's
};

}  // namespace penstock::broker
