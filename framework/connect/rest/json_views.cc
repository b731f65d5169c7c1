#include "framework/connect/rest/json_views.h"

#include "framework/connect/rest/await.h"

namespace penstock::connect::rest {
namespace {

Json restart_json(int restarts, int attempts, int budget, const std::optional<std::int64_t>& next,
                  bool given_up) {
  Json json{{"restarts", restarts}};
  if (budget > 0) {
    json["attempts"] = attempts;
    json["budget"] = budget;
  }
  json["given_up"] = given_up;
  if (next) json["next_retry_in_ms"] = *next;
  return json;
}

}  // namespace

Response ok(const Json& body, int status) {
  return {status, body.dump(-1, ' ', false, Json::error_handler_t::replace), {}};
}

Response failure(const RestError& problem) { return error(problem.code, problem.message); }

Json info_json(const ConnectorView& view) {
  Json tasks = Json::array();
  for (const auto& task : view.tasks)
    tasks.push_back({{"connector", view.name}, {"task", task.id}});
  return {{"name", view.name},
          {"config", view.config},
          {"tasks", std::move(tasks)},
          {"type", view.type}};
}

Json task_status_json(const ConnectorView& connector, const TaskView& task) {
  Json json{{"id", task.id}, {"state", task.state}, {"worker_id", connector.worker_id}};
  if (!connector.version.empty()) json["version"] = connector.version;
  if (!task.trace.empty()) json["trace"] = task.trace;
  if (task.state == "FAILED" || task.attempts > 0) {
    json["restart"] = restart_json(task.restarts, task.attempts, task.budget, task.next_retry_in_ms,
                                   task.given_up);
  }
  return json;
}

Json status_json(const ConnectorView& view) {
  Json connector{{"state", view.state}, {"worker_id", view.worker_id}};
  if (!view.version.empty()) connector["version"] = view.version;
  if (!view.trace.empty()) connector["trace"] = view.trace;
  if (view.state == "FAILED" || view.next_retry_in_ms) {
    connector["restart"] = restart_json(view.restarts, 0, 0, view.next_retry_in_ms, view.given_up);
  }
  Json tasks = Json::array();
  for (const auto& task : view.tasks) tasks.push_back(task_status_json(view, task));
  return {{"name", view.name},
          {"connector", std::move(connector)},
          {"tasks", std::move(tasks)},
          {"type", view.type}};
}

Json key_json(const KeyView& key) {
  return {{"name", key.name},
          {"type", key.type},
          {"required", key.required},
          {"default_value", key.fallback ? Json(*key.fallback) : Json()},
          {"importance", key.importance},
          {"documentation", key.documentation},
          {"group", key.group},
          {"width", "MEDIUM"},
          {"display_name", key.name},
          {"dependents", Json::array()},
          {"order", key.order}};
}

Json validation_json(const ValidationView& view) {
  Json configs = Json::array();
  Json groups = Json::array();
  for (const auto& value : view.values) {
    configs.push_back({{"definition", key_json(value.key)},
                       {"value",
                        {{"name", value.key.name},
                         {"value", value.value ? Json(*value.value) : Json()},
                         {"recommended_values", value.key.recommended},
                         {"errors", value.errors},
                         {"visible", value.visible}}}});
    bool known = value.key.group.empty();
    for (const auto& group : groups) known = known || group == value.key.group;
    if (!known) groups.push_back(value.key.group);
  }
  return {{"name", view.class_name},
          {"error_count", view.error_count()},
          {"groups", std::move(groups)},
          {"configs", std::move(configs)}};
}

tl::expected<Json, Response> parse_object(const std::string& body) {
  try {
    auto json = Json::parse(body);
    if (!json.is_object())
      return tl::make_unexpected(error(400, "The request body must be a JSON object"));
    return json;
  } catch (const Json::exception& exception) {
    return tl::make_unexpected(error(400, std::string("Malformed JSON: ") + exception.what()));
  }
}

tl::expected<std::map<std::string, std::optional<std::string>>, Response> parse_flat(
    const Json& object) {
  std::map<std::string, std::optional<std::string>> out;
  for (const auto& [key, value] : object.items()) {
    if (value.is_null())
      out[key] = std::nullopt;
    else if (value.is_string())
      out[key] = value.get<std::string>();
    else if (value.is_primitive())
      out[key] = value.dump();
    else
      return tl::make_unexpected(
          error(400, "The value of '" + key + "' must be a string, a number or a boolean"));
  }
  return out;
}

StringMap without_nulls(const std::map<std::string, std::optional<std::string>>& flat) {
  StringMap out;
  for (const auto& [key, value] : flat) {
    if (value) out[key] = *value;
  }
  return out;
}

tl::expected<ConnectorView, Response> one_connector(Herder& herder, const std::string& name,
                                                    const std::string& text) {
  auto found =
      await<std::vector<ConnectorView>>([&](auto reply) { herder.view(name, std::move(reply)); });
  if (!found) return tl::make_unexpected(failure(found.error()));
  if (found->empty())
    return tl::make_unexpected(
        error(404, text.empty() ? "Connector " + name + " not found" : text));
  return std::move(found->front());
}

}  // namespace penstock::connect::rest
