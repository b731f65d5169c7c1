#pragma once

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "broker/topic_admin.h"
#include "broker/topics.h"
#include "framework/base/error.h"
#include "framework/base/unique_function.h"

namespace penstock::broker {

class Broker;

/// Makes partitions exist as the metadata says and publishes the result to every shard. Control
/// thread only; changes are made one after the other, in the order of the calls. Implementations of
/// TopicAdmin store first, then apply.
class TopicRegistry {
 public:
  explicit TopicRegistry(Broker& broker);
  ~TopicRegistry();

  /// Creates the topic, or brings the one of that name and id up to the image: opens the partitions
  /// that are missing (on the pool), hands changed settings to their owners, publishes. `done` gets
  /// the published topic. When a partition cannot be opened nothing is published, what was opened
  /// is removed again, and `done` gets the error.
  void apply(TopicImage image, UniqueFunction<void(Result<TopicRef>)> done);
  /// The same for many topics at once, published together: what a start does. A partition that
  /// cannot be opened is offline and answers KAFKA_STORAGE_ERROR; its topic is published all the
  /// same.
  void apply_all(std::vector<TopicImage> images, UniqueFunction<void()> done);
  /// Publishes the broker's settings, and every topic with what follows from them for it.
  void configure(std::shared_ptr<const BrokerConfig> config, UniqueFunction<void()> done);
  /// Unpublishes, then closes and renames the partitions' directories. `done` when nobody sees the
  /// topic any more; null when there was none. An error: directories are left, and
  /// remove_leftovers() has to be called until there are none.
  void remove(std::string name, UniqueFunction<void(TopicRef, Status)> done);
  /// Renames the directories of a topic that was removed.
  void remove_leftovers(std::string name, Uuid id, std::int32_t partitions,
                        UniqueFunction<void(Status)> done);
  /// Opens those partitions once more that found the disk full. `done` only if there were any.
  void reopen_full(UniqueFunction<void()> done);

  /// As published last.
  [[nodiscard]] const Topics& current() const { return *current_; }

 private:
  struct Change;
  void next();
  void start(std::shared_ptr<Change> change);
  void start_configure(const std::shared_ptr<Change>& change);
  void start_apply(const std::shared_ptr<Change>& change);
  void start_reopen(const std::shared_ptr<Change>& change);
  void start_leftovers(const std::shared_ptr<Change>& change);
  void discard(const std::shared_ptr<Change>& change);
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
