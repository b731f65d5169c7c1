#include "framework/connect/store/offset_records.h"

#include <nlohmann/json.hpp>

namespace penstock::connect {

using Json = nlohmann::json;

std::string offset_key(std::string_view connector, std::string_view partition) {
  return "[" + Json(std::string(connector)).dump(-1, ' ', false, Json::error_handler_t::replace) +
         "," + std::string(partition) + "]";
}

std::optional<std::pair<std::string, std::string>> parse_offset_key(std::string_view key) {
  const auto json = Json::parse(key, nullptr, false);
  if (!json.is_array() || json.size() != 2 || !json[0].is_string()) return std::nullopt;
  // The text behind the first comma outside the connector's string, as it stands.
  std::size_t at = key.find('"') + 1;
  while (key[at] != '"') at += key[at] == '\\' ? 2 : 1;
  const auto comma = key.find(',', at);
  const auto end = key.rfind(']');
  return std::pair{json[0].get<std::string>(), std::string(key.substr(comma + 1, end - comma - 1))};
}

}  // namespace penstock::connect
