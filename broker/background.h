#pragma once

#include <cstdint>
#include <memory>

#include "broker/compactor.h"
#include "framework/base/error.h"
#include "framework/net/shard.h"

namespace penstock::broker {

class Broker;

/// What goes on by itself: moving recovery points (every checkpoint interval, or 64 MiB of one
/// partition), retention, re-reading cold segments, compaction, giving the disk reserve back and
/// taking it again. Runs on the control thread; shards and pool do the work.
class Background {
 public:
  explicit Background(Broker& broker);
  void start();
  /// No new rounds. From any thread; does not wait for a round under way.
  void stop();
  /// Control thread.
  void storage_full(const Error& why);

 private:
  struct Round;
  void checkpoint();
  void collect(const std::shared_ptr<Round>& round);
  void write(const std::shared_ptr<Round>& round);
  void retention();
  void scrub();
  void look_for_room();

  Broker& broker_;
  Compactor compactor_;
  bool stopped_ = false;  // control thread
  bool full_ = false;     // and said so
  bool checkpointing_ = false;
};

}  // namespace penstock::broker
