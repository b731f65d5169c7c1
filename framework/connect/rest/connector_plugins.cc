#include "framework/connect/rest/await.h"
#include "framework/connect/rest/json_views.h"

namespace penstock::connect::rest {
namespace {

std::string_view without_suffix(std::string_view name) {
  constexpr std::string_view kSuffix = "Connector";
  return name.size() > kSuffix.size() && name.ends_with(kSuffix)
             ? name.substr(0, name.size() - kSuffix.size())
             : name;
}

Response validate(Herder& herder, const Request& request) {
  const auto body = parse_object(request.body);
  if (!body) return body.error();
  const auto flat = parse_flat(*body);
  if (!flat) return flat.error();
  auto config = without_nulls(*flat);
  const auto type = config.find("connector.class");
  if (type == config.end() || type->second.empty())
    return error(400, "Connector config " + Json(config).dump() + " contains no connector type");
  const auto& asked = request.captured[0];
  if (!without_suffix(type->second).ends_with(without_suffix(asked))) {
    return error(
        400, "Included connector type " + type->second + " does not match request type " + asked);
  }
  const auto checked = await<ValidationView>(
      [&](auto reply) { herder.validate(std::move(config), std::move(reply)); });
  return checked ? ok(validation_json(*checked)) : failure(checked.error());
}

}  // namespace

void add_connector_plugins(Router& router, Herder& herder) {
  // connectorsOnly (KIP-769) changes nothing: converters are built in and transforms are not there
  // yet.
  router.add("GET", "/connector-plugins", [&herder](const Request&) {
    const auto all =
        await<std::vector<PluginView>>([&](auto reply) { herder.plugins(std::move(reply)); });
    if (!all) return failure(all.error());
    Json out = Json::array();
    for (const auto& plugin : *all) {
      Json one{{"class", plugin.class_name}, {"type", plugin.type}};
      if (!plugin.version.empty()) one["version"] = plugin.version;
      out.push_back(std::move(one));
    }
    return ok(out);
  });
  router.add("GET", "/connector-plugins/{}/config", [&herder](const Request& r) {
    const auto keys = await<std::vector<KeyView>>(
        [&](auto reply) { herder.plugin_keys(r.captured[0], std::move(reply)); });
    if (!keys) return failure(keys.error());
    Json out = Json::array();
    for (const auto& key : *keys) out.push_back(key_json(key));
    return ok(out);
  });
  router.add(
      "PUT", "/connector-plugins/{}/config/validate",
      [&herder](const Request& r) { return validate(herder, r); }, true);
}

}  // namespace penstock::connect::rest
