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

/// The "offsets" of a PATCH.
tl::expected<std::vector<Herder::OffsetChange>, Response> changes_of(const std::string& text) {
  const auto refuse = [](const std::string& why) { return tl::make_unexpected(error(400, why)); };
  const auto body = parse_object(text);
  if (!body) return tl::make_unexpected(body.error());
  for (const auto& [key, value] : body->items()) {
    if (key != "offsets") return refuse("Unrecognized field \"" + key + "\"");
  }
  const auto offsets = body->find("offsets");
  if (offsets == body->end() || !offsets->is_array() || offsets->empty())
    return refuse("Partitions / offsets need to be provided for an alter offsets request");
  std::vector<Herder::OffsetChange> out;
  for (const auto& one : *offsets) {
    if (!one.is_object() || !one.contains("partition") || !one["partition"].is_object())
      return refuse("Each entry of \"offsets\" needs a \"partition\" that is a JSON object");
    const auto offset = one.find("offset");
    if (offset == one.end() || !(offset->is_object() || offset->is_null()))
      return refuse(
          "Each entry of \"offsets\" needs an \"offset\" that is a JSON object, or null "
          "to forget that partition");
    for (const auto* part : {&one["partition"], &*offset}) {
      for (const auto& [key, value] : part->items()) {
        if (value.is_structured())
          return refuse("\"" + key +
                        "\": must be a number, a text, "
                        "true, false or null");
      }
    }
    out.push_back({one["partition"].dump(),
                   offset->is_null() ? std::nullopt : std::optional(offset->dump())});
  }
  return out;
}

Response alter(Herder& herder, const Request& request) {
  auto changes = changes_of(request.body);
  if (!changes) return changes.error();
  const auto done = await<Nothing>([&](auto reply) {
    herder.alter_offsets(request.captured[0], std::move(*changes), std::move(reply));
  });
  if (!done) return failure(done.error());
  return ok({{"message", "The offsets for this connector have been altered successfully"}});
}

Response reset(Herder& herder, const Request& request) {
  const auto done = await<Nothing>([&](auto reply) {
    herder.alter_offsets(request.captured[0], std::nullopt, std::move(reply));
  });
  if (!done) return failure(done.error());
  return ok({{"message", "The offsets for this connector have been reset successfully"}});
}

}  // namespace

// KIP-875; of sinks reading only. KIP-558: as Connect with topic.tracking.enable=false.
void add_offsets(Router& router, Herder& herder) {
  router.add(
      "PATCH", "/connectors/{}/offsets", [&herder](const Request& r) { return alter(herder, r); },
      true);
  router.add("DELETE", "/connectors/{}/offsets",
             [&herder](const Request& r) { return reset(herder, r); });
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
