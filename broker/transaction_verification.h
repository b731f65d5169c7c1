#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <utility>

#include "framework/base/ids.h"
#include "framework/base/unique_function.h"

namespace penstock::broker {

/// Producers whose first batch of a transaction waits for the coordinator's word on one partition
/// (KIP-890). A guard is good for one such wait: a marker that is written in between makes it void,
/// so that no late word of an old transaction lets a batch in. Owner shard only.
class TransactionVerifications {
 public:
  /// A guard, or 0 while another wait of that producer is under way.
  std::uint64_t begin(ProducerId producer, ProducerEpoch epoch, bool adds) {
    auto [at, fresh] = waits_.try_emplace(producer.value);
    if (!fresh) return 0;
    at->second.guard = at->second.owner = ++last_guard_;
    at->second.epoch = epoch;
    at->second.adds = adds;
    return last_guard_;
  }
  [[nodiscard]] bool under_way(ProducerId producer) const {
    return waits_.contains(producer.value);
  }
  [[nodiscard]] bool good(ProducerId producer, std::uint64_t guard) const {
    const auto at = waits_.find(producer.value);
    return at != waits_.end() && at->second.guard == guard;
  }
  [[nodiscard]] bool adds(ProducerId producer) const {
    const auto at = waits_.find(producer.value);
    return at != waits_.end() && at->second.adds;
  }
  /// Runs `work` when the wait that is under way has ended, in order of the calls.
  void after(ProducerId producer, UniqueFunction<void()> work) {
    waits_.at(producer.value).behind.push_back(std::move(work));
  }
  /// `guard` as begin() gave it. What waited behind it runs until one of them begins a wait anew.
  void end(ProducerId producer, std::uint64_t guard) {
    const auto at = waits_.find(producer.value);
    if (at == waits_.end() || at->second.owner != guard) return;
    auto behind = std::move(at->second.behind);
    waits_.erase(at);
    while (!behind.empty()) {
      const auto again = waits_.find(producer.value);
      if (again != waits_.end()) {
        for (auto& work : again->second.behind) behind.push_back(std::move(work));
        again->second.behind = std::move(behind);
        return;
      }
      UniqueFunction<void()> work = std::move(behind.front());
      behind.pop_front();
      work();
    }
  }
  /// A marker of the producer was written. With `epoch_bump` one of the wait's own epoch ended the
  /// transaction before.
  void marker_written(ProducerId producer, ProducerEpoch epoch, bool epoch_bump) {
    const auto at = waits_.find(producer.value);
    if (at == waits_.end() || (epoch_bump && at->second.epoch == epoch)) return;
    at->second.guard = 0;
  }

 private:
  struct Wait {
    std::uint64_t guard = 0;  // 0: void
    std::uint64_t owner = 0;
    ProducerEpoch epoch{-1};
    bool adds = false;
    std::deque<UniqueFunction<void()>> behind;
  };
  std::unordered_map<std::int64_t, Wait> waits_;
  std::uint64_t last_guard_ = 0;
};

}  // namespace penstock::broker
