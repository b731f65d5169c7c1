#pragma once

#include <map>
#include <memory>
#include <string>

#include "broker/broker.h"
#include "broker/topic_admin.h"

namespace penstock::broker {

/// Topics as the data directory shows them: names, ids and partition counts come from the partition directories. Topic overrides are
/// refused, because nothing keeps them. Everything but the calls themselves runs on the control thread.
class DirectoryTopics final : public TopicAdmin {
 public:
  explicit DirectoryTopics(Broker& broker) : broker_(broker) {}

  void load(UniqueFunction<void(Status)> done) override;
  void create_topic(NewTopic topic, Done done) override;
  void delete_topic(std::string name, Done done) override;
  void add_partitions(std::string name, std::int32_t total, bool validate_only, Done done) override;
  void alter_configs(std::string name, std::map<std::string, std::optional<std::string>> changes, bool validate_only,
                     Done done) override;
  void next_producer_ids(UniqueFunction<void(tl::expected<ProducerIdBlock, ApiError>)> done) override;

 private:
  void create_now(NewTopic topic, Done done);
  [[nodiscard]] TopicSettings settings_for(std::string_view name) const;

  Broker& broker_;
};

}  // namespace penstock::broker
