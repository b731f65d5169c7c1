#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "broker/topic_admin.h"
#include "broker/topics.h"
#include "framework/base/unique_function.h"

namespace penstock::broker {

class Broker;

/// Makes partitions exist as the metadata says and publishes the result to every shard. Control thread only; changes are made one
/// after the other, in the order of the calls. Implementations of TopicAdmin store first, then apply.
class TopicRegistry {
 public:
  explicit TopicRegistry(Broker& broker);
  ~TopicRegistry();

  /// Creates the topic, or brings the one of that name and id up to the image: opens the partitions that are missing (on the pool),
  /// hands changed settings to their owners, publishes. `done` gets the published topic. A partition that cannot be opened is
  /// offline and answers KAFKA_STORAGE_ERROR; the topic is published all the same.
  void apply(TopicImage image, UniqueFunction<void(TopicRef)> done);
  /// Unpublishes, then closes and renames the partitions' directories. `done` when nobody sees the topic any more.
  void remove(std::string name, UniqueFunction<void(TopicRef)> done);

  /// As published last.
  [[nodiscard]] const Topics& current() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::broker
