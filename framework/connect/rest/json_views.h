#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "framework/connect/herder/views.h"
#include "framework/connect/rest/router.h"

// Only for the .cc files of this folder.
namespace penstock::connect::rest {

using Json = nlohmann::ordered_json;

Response ok(const Json& body, int status = 200);
Response failure(const RestError& error);

Json info_json(const ConnectorView& view);
Json status_json(const ConnectorView& view);
Json task_status_json(const ConnectorView& connector, const TaskView& task);
Json key_json(const KeyView& key);
Json validation_json(const ValidationView& view);

/// The body as a JSON object, or the answer that says why not.
tl::expected<Json, Response> parse_object(const std::string& body);
/// A flat object; numbers and booleans become text, as Jackson does. nullopt values are JSON's
/// null.
tl::expected<std::map<std::string, std::optional<std::string>>, Response> parse_flat(
    const Json& object);
StringMap without_nulls(const std::map<std::string, std::optional<std::string>>& flat);

/// The one connector of that name; or 404 with `text` ("Connector a not found" when empty).
tl::expected<ConnectorView, Response> one_connector(Herder& herder, const std::string& name,
                                                    const std::string& text = {});

}  // namespace penstock::connect::rest
