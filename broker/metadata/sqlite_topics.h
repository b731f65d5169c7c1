#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/broker.h"
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
  void delete_topic(std::string name, Done done) override;
  void add_partitions(std::string name, std::int32_t total, bool validate_only, Done done) override;
  void alter_configs(std::string name, std::map<std::string, std::optional<std::string>> changes,
                     bool validate_only, Done done) override;
  void next_producer_ids(
      UniqueFunction<void(tl::expected<ProducerIdBlock, ApiError>)> done) override;

 private:
  struct Stored {
    Uuid id;
    std::int32_t partitions = 1;
    std::int32_t opened =
        0;  // partitions that once had a directory: a missing one among them is a loss
    std::map<std::string, std::string> overrides;
    std::int64_t revision = 0;
  };

  void create_now(NewTopic topic, Done done);
  void delete_now(const std::string& name, Done done);
  void add_now(const std::string& name, std::int32_t total, bool validate_only, Done done);
  void alter_now(const std::string& name,
                 const std::map<std::string, std::optional<std::string>>& changes,
                 bool validate_only, Done done);
  void producer_ids_now(UniqueFunction<void(tl::expected<ProducerIdBlock, ApiError>)> done);

  Status open_store();
  Status read_topics();
  Status clear_deleted(const std::vector<log::LogDirectory::Found>& found);
  void remove_leftover(const log::LogDirectory::Found& found);
  [[nodiscard]] std::optional<ApiError> refuse_name(const std::string& name) const;
  [[nodiscard]] Result<TopicImage> image_of(const std::string& name, const Stored& topic) const;
  /// Writes `topic` under its name, with what else has to change at the same time, and remembers
  /// it.
  Status save(const std::string& name, Stored topic);
  Status commit(std::vector<MetadataStore::Write> writes, std::int64_t& revision);
  /// Opens partitions and publishes, then counts those that have a directory now, then `done`.
  void apply(const std::string& name, Done done);
  void count_opened(const std::string& name);

  Broker& broker_;
  std::unique_ptr<MetadataStore> store_;
  std::map<std::string, Stored, std::less<>> topics_;
};

}  // namespace penstock::broker
