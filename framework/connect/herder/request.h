#pragma once

#include <string>
#include <utility>

#include "framework/connect/herder/herder.h"

// How a request reaches the herder's thread. Only the herder's files include this.
namespace penstock::connect {

inline constexpr const char* kWorkerStopping = "The worker is stopping";

inline RestError not_found(const std::string& name) {
  return {404, "Connector " + name + " not found"};
}

template <class T, class F>
void Herder::request(Reply<T> reply, F action) {
  {
    const std::lock_guard lock(mutex_);
    if (!refusing_ && queue_.size() < kRequestsMax) {
      queue_.push_back([reply = std::move(reply), action = std::move(action)]() mutable {
        action(std::move(reply));
      });
      wake_.notify_one();
      return;
    }
  }
  reply(tl::make_unexpected(RestError{
      503, refusing_ ? kWorkerStopping : std::to_string(kRequestsMax) + " requests wait already"}));
}

}  // namespace penstock::connect
