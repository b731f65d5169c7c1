#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "broker/partition.h"
#include "broker/request_time.h"

namespace penstock::broker {

/// Visits the owners of `items`, one post each way, and calls `done(items)` back on `home` when all
/// were visited. `Item` has a `PartitionRef handle` (null: not visited); `visit(item, partition)`
/// runs on the owner, with nullptr when the partition is not open there, and writes its result into
/// the item.
template <class Item, class Visit, class Done>
void for_each_owner(BrokerShard& home, std::vector<Item> items, Visit visit, Done done) {
  struct State {
    std::vector<Item> items;
    Done done;
    std::size_t left = 1;  // home only
  };
  auto state = std::make_shared<State>(State{std::move(items), std::move(done)});
  const auto visited = [](const std::shared_ptr<State>& s) {
    if (--s->left == 0) s->done(std::move(s->items));
  };
  std::vector<std::vector<std::size_t>> by_shard(home.broker().shard_count());
  for (std::size_t i = 0; i < state->items.size(); ++i) {
    if (const auto& handle = state->items[i].handle)
      by_shard[static_cast<std::size_t>(handle->owner->index())].push_back(i);
  }
  for (std::size_t s = 0; s < by_shard.size(); ++s) {
    if (by_shard[s].empty()) continue;
    ++state->left;
    BrokerShard& owner = home.broker().shard(s);
    // noexcept: as PartitionHandle::on_owner().
    const auto work = [state, visit, mine = std::move(by_shard[s])]() noexcept {
      for (const std::size_t i : mine)
        visit(state->items[i], state->items[i].handle->partition.get());
    };
    if (&owner == &home) {
      work();
      --state->left;
    } else {
      owner.io().post(measured([state, work, visited, &home] {
        work();
        home.io().post(measured([state, visited] { visited(state); }));
      }));
    }
  }
  visited(state);
}

/// As for_each_owner(), for visits that wait: `visit(item, partition, finished)` calls `finished()`
/// once, on the owner, at once or later, and may write to the item until then. One post back for
/// each owner.
template <class Item, class Visit, class Done>
void for_each_owner_waiting(BrokerShard& home, std::vector<Item> items, Visit visit, Done done) {
  struct State {
    std::vector<Item> items;
    Done done;
    std::size_t left = 1;              // home only
    std::vector<std::size_t> waiting;  // of each owner, whose thread alone touches it
  };
  auto state = std::make_shared<State>(State{std::move(items), std::move(done), 1, {}});
  const auto visited = [&home](const std::shared_ptr<State>& s) {
    home.io().post(measured([s] {
      if (--s->left == 0) s->done(std::move(s->items));
    }));
  };
  std::vector<std::vector<std::size_t>> by_shard(home.broker().shard_count());
  for (std::size_t i = 0; i < state->items.size(); ++i) {
    if (const auto& handle = state->items[i].handle)
      by_shard[static_cast<std::size_t>(handle->owner->index())].push_back(i);
  }
  state->waiting.resize(by_shard.size());
  for (std::size_t s = 0; s < by_shard.size(); ++s) {
    if (by_shard[s].empty()) continue;
    ++state->left;
    // noexcept: as PartitionHandle::on_owner().
    home.broker().shard(s).io().post(
        measured([state, visit, visited, s, mine = std::move(by_shard[s])]() noexcept {
          const auto finished = [state, visited, s] {
            if (--state->waiting[s] == 0) visited(state);
          };
          state->waiting[s] = mine.size() + 1;
          for (const std::size_t i : mine)
            visit(state->items[i], state->items[i].handle->partition.get(), finished);
          finished();
        }));
  }
  visited(state);
}

}  // namespace penstock::broker
