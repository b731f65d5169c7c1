#pragma once

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "framework/base/error.h"
#include "framework/base/unique_fd.h"
#include "framework/connect/channel/messages.h"

namespace penstock::connect {

/// What threads of the runner want to say, on its way to the one thread that owns the channel.
class Outbox {
 public:
  using Offsets = Result<std::vector<std::optional<std::string>>>;
  struct Item {
    Envelope envelope;
    std::function<void(Result<Message>)>
        answered;  // nullptr: no answer is expected; called on the channel's thread
  };

  Outbox();
  /// Any thread. A task's newer metrics replace its older ones that were not sent yet.
  void post(Item item);
  /// The channel's thread.
  std::deque<Item> take();
  /// Becomes readable when there is something to take, or after wake().
  [[nodiscard]] int fd() const { return event_.get(); }
  void wake() const;

 private:
  UniqueFd event_;
  std::mutex mutex_;
  std::deque<Item> items_;  // guarded by mutex_: any thread posts
};

}  // namespace penstock::connect
