#include <algorithm>
#include <cctype>

#include "framework/connect/rest/await.h"
#include "framework/connect/rest/json_views.h"

namespace penstock::connect::rest {
namespace {

Response list(Herder& herder, const Request& request) {
  const auto all = await<std::vector<ConnectorView>>(
      [&](auto reply) { herder.view(std::nullopt, std::move(reply)); });
  if (!all) return failure(all.error());
  bool info = false;
  bool status = false;
  const auto [begin, end] = request.query.equal_range("expand");
  for (auto it = begin; it != end; ++it) {
    info = info || it->second == "info";
    status = status || it->second == "status";
  }
  if (!info && !status) {
    Json names = Json::array();
    for (const auto& view : *all) names.push_back(view.name);
    return ok(names);
  }
  Json out = Json::object();
  for (const auto& view : *all) {
    if (info) out[view.name]["info"] = info_json(view);
    if (status) out[view.name]["status"] = status_json(view);
  }
  return ok(out);
}

std::string trimmed(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string::npos
             ? ""
             : text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

std::string encoded(const std::string& name) {
  std::string out;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) ||
        std::string_view("-._~").find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += "0123456789ABCDEF"[static_cast<unsigned char>(c) >> 4];
      out += "0123456789ABCDEF"[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

std::string wrong_name(const std::string& in_config, const std::string& in_url) {
  return "Connector name configuration (" + in_config +
         ") doesn't match connector name in the URL (" + in_url + ")";
}

Response store(Herder& herder, Herder::Put wanted) {
  const auto name = wanted.name;
  const auto named = wanted.config.find("name");
  if (named != wanted.config.end() && named->second != name)
    return error(400, wrong_name(named->second, name));
  if (name.empty() ||
      std::ranges::any_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7F; })) {
    return error(400, "A connector's name may not be empty or contain control characters");
  }
  const auto done = await<std::pair<ConnectorView, bool>>(
      [&](auto reply) { herder.put(std::move(wanted), std::move(reply)); });
  if (!done) return failure(done.error());
  auto response = ok(info_json(done->first), done->second ? 201 : 200);
  if (done->second) response.location = "/connectors/" + encoded(name);
  return response;
}

tl::expected<TargetState, Response> initial_state(const Json& value) {
  if (value.is_null()) return TargetState::kStarted;
  std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (text == "RUNNING") return TargetState::kStarted;
  if (text == "PAUSED") return TargetState::kPaused;
  if (text == "STOPPED") return TargetState::kStopped;
  return tl::make_unexpected(error(400, "initial_state must be one of RUNNING, PAUSED, STOPPED"));
}

Response create(Herder& herder, const Request& request) {
  const auto body = parse_object(request.body);
  if (!body) return body.error();
  for (const auto& [key, value] : body->items()) {
    if (key != "name" && key != "config" && key != "initial_state")
      return error(400, "Unrecognized field \"" + key + "\"");
  }
  const auto config = body->find("config");
  if (config == body->end() || !config->is_object())
    return error(400, "The field \"config\" must be a JSON object");
  const auto flat = parse_flat(*config);
  if (!flat) return flat.error();
  const auto state = initial_state(body->value("initial_state", Json()));
  if (!state) return state.error();
  Herder::Put wanted;
  const auto name = body->find("name");
  if (name != body->end() && name->is_string()) wanted.name = trimmed(name->get<std::string>());
  wanted.config = without_nulls(*flat);
  wanted.create_only = true;
  wanted.initial = *state;
  return store(herder, std::move(wanted));
}

Response put_config(Herder& herder, const Request& request) {
  const auto body = parse_object(request.body);
  if (!body) return body.error();
  const auto flat = parse_flat(*body);
  if (!flat) return flat.error();
  return store(herder, {request.captured[0], without_nulls(*flat), false, TargetState::kStarted});
}

Response patch_config(Herder& herder, const Request& request) {
  const auto body = parse_object(request.body);
  if (!body) return body.error();
  auto flat = parse_flat(*body);
  if (!flat) return flat.error();
  const auto& name = request.captured[0];
  const auto named = flat->find("name");
  if (named != flat->end() && named->second != name)
    return error(400, wrong_name(named->second.value_or(""), name));
  const auto done = await<std::pair<ConnectorView, bool>>(
      [&](auto reply) { herder.patch(name, std::move(*flat), std::move(reply)); });
  return done ? ok(info_json(done->first)) : failure(done.error());
}

Response target(Herder& herder, const Request& request, TargetState state, int status) {
  const auto done = await<Nothing>(
      [&](auto reply) { herder.set_target(request.captured[0], state, std::move(reply)); });
  return done ? Response{status, {}, {}} : failure(done.error());
}

Response restart(Herder& herder, const Request& request) {
  const bool tasks = request.flag("includeTasks");
  const bool failed = request.flag("onlyFailed");
  const auto done = await<ConnectorView>(
      [&](auto reply) { herder.restart(request.captured[0], tasks, failed, std::move(reply)); });
  if (!done) return failure(done.error());
  return tasks || failed ? ok(status_json(*done), 202) : Response{204, {}, {}};
}

}  // namespace

void add_connectors(Router& router, Herder& herder) {
  router.add("GET", "/connectors", [&herder](const Request& r) { return list(herder, r); });
  router.add(
      "POST", "/connectors", [&herder](const Request& r) { return create(herder, r); }, true);
  router.add("GET", "/connectors/{}", [&herder](const Request& r) {
    const auto view = one_connector(herder, r.captured[0]);
    return view ? ok(info_json(*view)) : view.error();
  });
  router.add("DELETE", "/connectors/{}", [&herder](const Request& r) {
    const auto done =
        await<Nothing>([&](auto reply) { herder.remove(r.captured[0], std::move(reply)); });
    return done ? Response{204, {}, {}} : failure(done.error());
  });
  router.add("GET", "/connectors/{}/config", [&herder](const Request& r) {
    const auto view = one_connector(herder, r.captured[0]);
    return view ? ok(view->config) : view.error();
  });
  router.add(
      "PUT", "/connectors/{}/config", [&herder](const Request& r) { return put_config(herder, r); },
      true);
  router.add(
      "PATCH", "/connectors/{}/config",
      [&herder](const Request& r) { return patch_config(herder, r); }, true);
  router.add("GET", "/connectors/{}/status", [&herder](const Request& r) {
    const auto view =
        one_connector(herder, r.captured[0], "No status found for connector " + r.captured[0]);
    return view ? ok(status_json(*view)) : view.error();
  });
  router.add("PUT", "/connectors/{}/pause",
             [&herder](const Request& r) { return target(herder, r, TargetState::kPaused, 202); });
  router.add("PUT", "/connectors/{}/resume",
             [&herder](const Request& r) { return target(herder, r, TargetState::kStarted, 202); });
  router.add("PUT", "/connectors/{}/stop",
             [&herder](const Request& r) { return target(herder, r, TargetState::kStopped, 204); });
  router.add("POST", "/connectors/{}/restart",
             [&herder](const Request& r) { return restart(herder, r); });
}

}  // namespace penstock::connect::rest
