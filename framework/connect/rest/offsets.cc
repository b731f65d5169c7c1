#include <cstdlib>

#include "framework/connect/rest/await.h"
#include "framework/connect/rest/json_views.h"

namespace penstock::connect::rest {
namespace {

/// What a sink's tasks said they have stored, from their counters "stored.<topic>.<partition>".
Json sink_offsets(const ConnectorView& view) {
  constexpr std::string_view kStored = "stored.";
  Json out = Json::array();
  for (const auto& task : view.tasks) {
    for (const auto& [name, value] : task.metrics) {
      const auto dot = name.rfind('.');
      if (!name.starts_with(kStored) || dot < kStored.size()) continue;
      out.push_back({{"partition",
                      {{"kafka_topic", name.substr(kStored.size(), dot - kStored.size())},
                       {"kafka_partition", std::atoi(name.c_str() + dot + 1)}}},
                     {"offset", {{"kafka_offset", static_cast<std::int64_t>(value)}}}});
    }
  }
  return out;
}

}  // namespace

// KIP-875, reading only. KIP-558: as Connect with topic.tracking.enable=false.
void add_offsets(Router& router, Herder& herder) {
  for (const char* method : {"PATCH", "DELETE"}) {
    router.add(method, "/connectors/{}/offsets", [method](const Request&) {
      return error(501, std::string(method) +
                            " /connectors/{connector}/offsets is not supported: this worker can "
                            "only read offsets");
    });
  }
  router.add("GET", "/connectors/{}/topics",
             [](const Request&) { return error(403, "Topic tracking is disabled."); });
  router.add("PUT", "/connectors/{}/topics/reset",
             [](const Request&) { return error(403, "Topic tracking reset is disabled."); });
  router.add("GET", "/connectors/{}/offsets", [&herder](const Request& r) {
    const auto view = one_connector(herder, r.captured[0]);
    if (!view) return view.error();
    if (view->type == "sink") return ok({{"offsets", sink_offsets(*view)}});
    const auto stored = await<StateThread::Offsets>(
        [&](auto reply) { herder.offsets(r.captured[0], std::move(reply)); });
    if (!stored) return failure(stored.error());
    Json out = Json::array();
    for (const auto& [partition, offset] : *stored) {
      out.push_back({{"partition", Json::parse(partition, nullptr, false)},
                     {"offset", Json::parse(offset, nullptr, false)}});
    }
    return ok({{"offsets", std::move(out)}});
  });
}

}  // namespace penstock::connect::rest
