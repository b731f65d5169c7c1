#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "framework/base/unique_function.h"

namespace penstock::broker {

/// Collects one answer to each of `count` questions, from any threads, and hands them to `done` on
/// `home`.
template <class T>
class Gather : public std::enable_shared_from_this<Gather<T>> {
 public:
  /// `count` > 0.
  Gather(BrokerShard& home, std::size_t count, UniqueFunction<void(std::vector<T>)> done)
      : home_(home), answers_(count), left_(count), done_(std::move(done)) {}

  /// Each index exactly once. Any thread.
  void put(std::size_t index, T answer) {
    home_.io().post([self = this->shared_from_this(), index, answer = std::move(answer)]() mutable {
      self->answers_[index] = std::move(answer);
      if (--self->left_ == 0) self->done_(std::move(self->answers_));
    });
  }

 private:
  BrokerShard& home_;
  std::vector<T> answers_;  // home only
  std::size_t left_;
  UniqueFunction<void(std::vector<T>)> done_;
};

}  // namespace penstock::broker
