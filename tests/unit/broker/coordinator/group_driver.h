#pragma once

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/coordinator/group_step.h"

namespace penstock::broker {

/// Drives one group as the coordinator does: keeps answers and appends, confirms appends when told
/// to.
class GroupDriver {
 public:
  GroupDriver() { group.id = "g"; }

  void feed(GroupEvent event) {
    for (GroupEffect& effect : step(group, std::move(event), now, limits)) {
      if (auto* store = std::get_if<Store>(&effect)) {
        stores.push_back(std::move(*store));
        if (confirm) confirm_all();
        continue;
      }
      const AnswerId to = std::visit(
          [](auto& e) -> AnswerId {
            if constexpr (requires { e.to; })
              return e.to;
            else
              return 0;
          },
          effect);
      EXPECT_FALSE(answers.contains(to)) << "answered twice: " << to;
      answers.emplace(to, std::move(effect));
    }
  }
  void confirm_all(protocol::ErrorCode error = protocol::ErrorCode::kNone) {
    while (!stores.empty()) {
      const Store store = stores.front();
      stores.erase(stores.begin());
      if (error == protocol::ErrorCode::kNone) {
        for (const auto& record : store.records) log.push_back(record);
      }
      feed(StoredEvent{store.store, error});
    }
  }
  /// Runs timers up to `ms` from now.
  void pass(std::int64_t ms) {
    const std::int64_t end = now.steady_ms + ms;
    for (auto wake = wake_ms(group); wake && *wake <= end; wake = wake_ms(group)) {
      const std::int64_t to = std::max(*wake, now.steady_ms);
      now.wall_ms += to - now.steady_ms;
      now.steady_ms = to;
      feed(TickEvent{topics});
    }
    now.wall_ms += end - now.steady_ms;
    now.steady_ms = end;
  }

  [[nodiscard]] static JoinEvent join(AnswerId answer, std::string member_id,
                                      std::string protocol = "range", std::string metadata = "m") {
    JoinEvent e;
    e.answer = answer;
    e.member_id = std::move(member_id);
    e.new_member_id = "new-" + std::to_string(answer);
    e.client_id = "client";
    e.client_host = "/127.0.0.1";
    e.protocol_type = "consumer";
    e.protocols = {{std::move(protocol), std::move(metadata)}};
    e.session_timeout_ms = 10'000;
    e.rebalance_timeout_ms = 60'000;
    return e;
  }
  [[nodiscard]] static SyncEvent sync(AnswerId answer, std::int32_t generation, std::string member,
                                      std::map<std::string, std::string> assignments = {}) {
    SyncEvent e;
    e.answer = answer;
    e.generation = generation;
    e.member_id = std::move(member);
    e.assignments = std::move(assignments);
    return e;
  }
  template <class T>
  [[nodiscard]] const T* answer(AnswerId id) const {
    const auto at = answers.find(id);
    return at == answers.end() ? nullptr : std::get_if<T>(&at->second);
  }
  [[nodiscard]] std::optional<protocol::ErrorCode> code(AnswerId id) const {
    const auto at = answers.find(id);
    if (at == answers.end()) return std::nullopt;
    if (const auto* a = std::get_if<JoinAnswer>(&at->second)) return a->error;
    if (const auto* a = std::get_if<SyncAnswer>(&at->second)) return a->error;
    if (const auto* a = std::get_if<CodeAnswer>(&at->second)) return a->error;
    if (const auto* a = std::get_if<DeleteOffsetsAnswer>(&at->second)) return a->error;
    return std::nullopt;
  }

  Group group;
  GroupLimits limits;
  GroupTopicsRef topics;  // as timers see them
  Moment now{1'000, 1'700'000'000'000};
  std::map<AnswerId, GroupEffect> answers;
  std::vector<Store> stores;  // not confirmed
  std::vector<Store::Record> log;
  bool confirm = true;
};

}  // namespace penstock::broker
