#include "framework/connect/worker/connector_files.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "framework/config/properties.h"

namespace penstock::connect {
namespace {

using Json = nlohmann::json;

Result<StringMap> flat(const Json& object) {
  StringMap out;
  for (const auto& [key, value] : object.items()) {
    if (value.is_null()) continue;
    if (value.is_structured())
      return fail(Errc::kInvalid,
                  "the value of '" + key + "' must be a string, a number or a boolean");
    out[key] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  return out;
}

Result<Herder::Put> from_json(const std::string& text) {
  Json json;
  try {
    json = Json::parse(text);
  } catch (const Json::exception& exception) {
    return fail(Errc::kInvalid, std::string("malformed JSON: ") + exception.what());
  }
  if (!json.is_object()) return fail(Errc::kInvalid, "must hold a JSON object");
  Herder::Put put;
  const auto config = json.find("config");
  if (config != json.end() && config->is_object()) {
    for (const auto& [key, value] : json.items()) {
      if (key != "name" && key != "config" && key != "initial_state")
        return fail(Errc::kInvalid, "unrecognized field \"" + key + "\"");
    }
    PENSTOCK_ASSIGN_OR_RETURN(put.config, flat(*config));
    if (const auto name = json.find("name"); name != json.end() && name->is_string())
      put.name = name->get<std::string>();
    const auto state = json.find("initial_state");
    if (state != json.end() && *state == "PAUSED")
      put.initial = TargetState::kPaused;
    else if (state != json.end() && *state == "STOPPED")
      put.initial = TargetState::kStopped;
    else if (state != json.end() && *state != "RUNNING")
      return fail(Errc::kInvalid, "initial_state must be one of RUNNING, PAUSED, STOPPED");
  } else {
    PENSTOCK_ASSIGN_OR_RETURN(put.config, flat(json));
  }
  return put;
}

Result<Herder::Put> read(const std::string& path) {
  if (path.ends_with(".properties")) {
    PENSTOCK_ASSIGN_OR_RETURN(const auto values, config::load_properties(path));
    Herder::Put put;
    put.config.insert(values.begin(), values.end());
    return put;
  }
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) return fail(Errc::kInvalid, "cannot be read");
  return from_json(text.str());
}

}  // namespace

Result<Herder::Put> read_connector_file(const std::string& path) {
  auto put = read(path);
  if (!put) {
    const bool named = put.error().text.starts_with(path);
    return tl::make_unexpected(named ? put.error() : put.error().in(path));
  }
  if (put->name.empty()) put->name = put->config["name"];
  if (put->name.empty()) return fail(Errc::kInvalid, path + ": the connector has no name");
  const auto& named = put->config["name"];
  if (!named.empty() && named != put->name)
    return fail(Errc::kInvalid, path + ": name is both " + put->name + " and " + named);
  return put;
}

}  // namespace penstock::connect
