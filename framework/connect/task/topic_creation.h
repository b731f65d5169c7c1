#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "framework/connect/channel/messages.h"
#include "framework/rdkafka/admin.h"

namespace penstock::connect {

/// Creates a source's topics before their first record when topic.creation.default.* says how, and
/// dead letter topics; without these settings the broker creates topics itself, or refuses. One
/// thread.
class TopicCreation {
 public:
  /// kInvalid names the key. `client` is the worker's client settings.
  static Result<std::unique_ptr<TopicCreation>> make(const ConfigMap& client,
                                                     const ConfigMap& config);
  /// Once for each name; later calls cost a comparison.
  Status ensure(std::string_view topic);
  /// The dead letter topic, with one partition.
  Status ensure_dead_letters(const std::string& topic, int replication_factor);

 private:
  Status create(const rdkafka::NewTopic& topic);
  ConfigMap client_, config_;
  std::optional<rdkafka::NewTopic> pattern_;
  std::set<std::string, std::less<>> done_;
  std::string_view last_;
};

}  // namespace penstock::connect
