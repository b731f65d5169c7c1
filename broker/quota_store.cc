#include "broker/quota_store.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "broker/broker.h"

namespace penstock::broker {

namespace {
constexpr std::string_view kPrefix = "quotas/";

std::string key_of(const QuotaEntity& entity) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [type, name] : entity)
    json[type] = name ? nlohmann::json(*name) : nlohmann::json();
  return std::string(kPrefix) + json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<QuotaChange> parse(const std::string& key, const std::string& value) {
  const auto entity = nlohmann::json::parse(key.substr(kPrefix.size()), nullptr, false);
  const auto values = nlohmann::json::parse(value, nullptr, false);
  if (!entity.is_object() || !values.is_object()) return std::nullopt;
  QuotaChange out;
  for (const auto& [type, name] : entity.items()) {
    if (!name.is_null() && !name.is_string()) return std::nullopt;
    out.entity[type] =
        name.is_null() ? std::nullopt : std::optional<std::string>(name.get<std::string>());
  }
  for (const auto& [quota, limit] : values.items()) {
    if (!limit.is_number()) return std::nullopt;
    out.values[quota] = limit.get<double>();
  }
  return out;
}
}  // namespace

Status load_quotas(Broker& broker) {
  auto stored = broker.topic_admin().values(kPrefix);
  if (!stored) return tl::make_unexpected(stored.error());
  for (const auto& [key, value] : *stored) {
    auto quota = parse(key, value);
    if (!quota) return fail(Errc::kCorrupt, key + " in the metadata store cannot be read");
    broker.quotas().set(quota->entity, std::move(quota->values));
  }
  return {};
}

Status store_quotas(Broker& broker, const std::vector<QuotaChange>& changes) {
  std::vector<std::pair<std::string, std::optional<std::string>>> values;
  for (const QuotaChange& change : changes) {
    std::optional<std::string> value;
    if (!change.values.empty()) value = nlohmann::json(change.values).dump();
    values.emplace_back(key_of(change.entity), std::move(value));
  }
  PENSTOCK_RETURN_IF_ERROR(broker.topic_admin().store_values(std::move(values)));
  for (const QuotaChange& change : changes) broker.quotas().set(change.entity, change.values);
  return {};
}

}  // namespace penstock::broker
