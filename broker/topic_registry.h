#pragma once

#include <deque>
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
  /// The same for many topics at once, published together: what a start does.
  void apply_all(std::vector<TopicImage> images, UniqueFunction<void()> done);
  /// Unpublishes, then closes and renames the partitions' directories. `done` when nobody sees the topic any more.
  void remove(std::string name, UniqueFunction<void(TopicRef)> done);

  /// As published last.
  [[nodiscard]] const Topics& current() const { return *current_; }

 private:
  struct Change;
  void next();
  void start(std::shared_ptr<Change> change);
  void start_apply(const std::shared_ptr<Change>& change);
  void open_all(const std::shared_ptr<Change>& change);
  void opened(const std::shared_ptr<Change>& change);
  void publish(const std::shared_ptr<Change>& change);
  void close_removed(const std::shared_ptr<Change>& change);
  void finished(const std::shared_ptr<Change>& change);

  Broker& broker_;
  std::shared_ptr<const Topics> current_;
  std::deque<std::shared_ptr<Change>> queue_;  // the first is under way
};

}  // namespace penstock::broker
