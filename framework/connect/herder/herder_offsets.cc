// Reading and changing source offsets (KIP-875).
#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "framework/connect/herder/connector.h"
#include "framework/connect/herder/request.h"
#include "framework/connect/store/offset_records.h"

namespace penstock::connect {
namespace {

using Json = nlohmann::json;

/// As it is stored: spelling and order of fields are part of a key.
std::string stored_spelling(const StateThread::Offsets& stored, const std::string& partition) {
  const auto wanted = Json::parse(partition, nullptr, false);
  const auto same = std::ranges::find_if(stored, [&](const auto& entry) {
    return Json::parse(entry.first, nullptr, false) == wanted;
  });
  return same == stored.end() ? partition : same->first;
}

}  // namespace

void Herder::offsets(std::string name, Reply<StateThread::Offsets> reply) {
  request(
      std::move(reply), [this, name = std::move(name)](Reply<StateThread::Offsets> answer) mutable {
        if (find(name) == nullptr) return answer(tl::make_unexpected(not_found(name)));
        state_.list_offsets(name, [answer = std::move(answer)](StateThread::Offsets found) mutable {
          answer(std::move(found));
        });
      });
}

/// Nothing when the offsets of `name` may be changed now.
std::optional<RestError> Herder::why_offsets_stay(const std::string& name) {
  const auto* connector = find(name);
  if (connector == nullptr) return not_found(name);
  if (connector->target != TargetState::kStopped || connector->runner != Connector::Runner::kNone ||
      !connector->tasks.empty()) {
    return RestError{400,
                     "Connectors must be in the STOPPED state before their offsets can be "
                     "modified. This can be done for the specified connector by issuing a 'PUT' "
                     "request to the '/connectors/" +
                         name + "/stop' endpoint"};
  }
  const auto found = find_class(connector->config);
  if (!found) return RestError{400, found.error().text};
  if (found->connector->kind == "sink") {
    return RestError{
        501, "Offsets of a sink are those of its consumer group \"connect-" + name +
                 "\", and this worker does not change them: use kafka-consumer-groups "
                 "--reset-offsets. A database that keeps them with exactly.once has them in "
                 "its table __penstock_offsets, and those count"};
  }
  return std::nullopt;
}

void Herder::alter_offsets(std::string name, std::optional<std::vector<OffsetChange>> changes,
                           Reply<Nothing> reply) {
  request(std::move(reply), [this, name = std::move(name),
                             changes = std::move(changes)](Reply<Nothing> answer) mutable {
    when_catalog_known([this, name = std::move(name), changes = std::move(changes),
                        answer = std::move(answer)]() mutable {
      if (auto refused = why_offsets_stay(name))
        return answer(tl::make_unexpected(*std::move(refused)));
      state_.list_offsets(name, [this, name, changes = std::move(changes),
                                 answer = std::move(answer)](StateThread::Offsets stored) mutable {
        post([this, name, changes = std::move(changes), answer = std::move(answer),
              stored = std::move(
                  stored)]() mutable { store_offsets(name, changes, stored, std::move(answer)); },
             kEventsMax);
      });
    });
  });
}

/// The connector may have been started again while `stored` was read.
void Herder::store_offsets(const std::string& name,
                           const std::optional<std::vector<OffsetChange>>& changes,
                           const StateThread::Offsets& stored, Reply<Nothing> reply) {
  if (auto refused = why_offsets_stay(name)) return reply(tl::make_unexpected(*std::move(refused)));
  std::vector<StateEntry> entries;
  if (changes) {
    for (const auto& [partition, offset] : *changes)
      entries.push_back({offset_key(name, stored_spelling(stored, partition)), offset});
  } else {
    for (const auto& [partition, offset] : stored)
      entries.push_back({offset_key(name, partition), std::nullopt});
  }
  const auto done = state_.put_and_wait(StateTopic::kOffsets, std::move(entries));
  if (!done)
    return reply(tl::make_unexpected(RestError{500, done.error().in("storing the offsets").text}));
  spdlog::info("connector {}: its offsets were {}", name, changes ? "altered" : "reset");
  reply(Nothing{});
}

}  // namespace penstock::connect
