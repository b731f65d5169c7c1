#include "broker/handlers/alter_client_quotas.h"

#include <arpa/inet.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "broker/client_quotas.h"
#include "broker/quota_store.h"

namespace penstock::broker {

using protocol::AlterClientQuotasRequest;
using protocol::AlterClientQuotasResponse;
using protocol::ErrorCode;

namespace {

constexpr std::size_t kEntitiesMax = 100'000;

tl::unexpected<ApiError> refuse(std::string text, ErrorCode code = ErrorCode::kInvalidRequest) {
  return tl::make_unexpected(ApiError{code, std::move(text)});
}

bool is_address(const std::string& text) {
  in6_addr scratch{};
  return ::inet_pton(AF_INET, text.c_str(), &scratch) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), &scratch) == 1;
}

tl::expected<QuotaEntity, ApiError> read_entity(const AlterClientQuotasRequest::Entry& entry) {
  QuotaEntity out;
  for (const auto& part : entry.entity) {
    if (part.type != "user" && part.type != "client-id" && part.type != "ip")
      return refuse("Unhandled client quota entity type: " + part.type);
    if (part.name && part.name->empty()) return refuse("Empty " + part.type + " not supported");
    if (!out.emplace(part.type, part.name).second)
      return refuse("Duplicate entity type: " + part.type);
    if (part.type == "ip" && part.name && !is_address(*part.name))
      return refuse(*part.name + " is not an IP address.");
  }
  if (out.empty()) return refuse("Invalid empty client quota entity");
  if (out.contains("ip") && out.size() > 1)
    return refuse("An ip quota cannot be combined with a user or a client id.");
  return out;
}

std::optional<ApiError> check(const QuotaEntity& entity, const std::string& key, double value) {
  const auto invalid = [](std::string text) {
    return ApiError{ErrorCode::kInvalidRequest, std::move(text)};
  };
  const bool ip = entity.contains("ip");
  if (!ip && (key == "request_percentage" || key == "controller_mutation_rate"))
    return invalid(key + " is not enforced by this broker, so it cannot be set.");
  if (ip ? key != kConnectionCreationRate : key != kProducerByteRate && key != kConsumerByteRate)
    return invalid("Invalid configuration key " + key);
  if (!(value > 0) || std::isinf(value)) return invalid("Quota " + key + " must be greater than 0");
  if (value != std::floor(value)) return invalid("Quota " + key + " must be a whole number");
  return std::nullopt;
}

tl::expected<QuotaChange, ApiError> read_change(const ClientQuotas& quotas,
                                                const AlterClientQuotasRequest::Entry& entry) {
  auto entity = read_entity(entry);
  if (!entity) return tl::make_unexpected(entity.error());
  const auto all = quotas.all();
  const auto now = all.find(*entity);
  if (now == all.end() && all.size() >= kEntitiesMax)
    return refuse("There are quotas for " + std::to_string(kEntitiesMax) + " entities already.",
                  ErrorCode::kPolicyViolation);
  QuotaChange out{*entity, now == all.end() ? QuotaValues() : now->second};
  for (const AlterClientQuotasRequest::Op& op : entry.ops) {
    const std::string key(op.key);
    if (auto wrong = check(*entity, key, op.remove ? 1 : op.value))
      return tl::make_unexpected(std::move(*wrong));
    if (op.remove)
      out.values.erase(key);
    else
      out.values[key] = op.value;
  }
  return out;
}

/// On the control thread.
void alter(Broker& broker, const AlterClientQuotasRequest& request,
           Reply<AlterClientQuotasResponse> reply) {
  AlterClientQuotasResponse response;
  for (const AlterClientQuotasRequest::Entry& entry : request.entries) {
    AlterClientQuotasResponse::Entry& out = response.entries.emplace_back();
    out.entity = entry.entity;
    auto change = read_change(broker.quotas(), entry);
    if (!change) {
      out.error = change.error().code;
      out.error_text = change.error().text;
    } else if (!request.validate_only) {
      if (const Status stored = store_quotas(broker, {*change}); !stored) {
        out.error = ErrorCode::kStorageError;
        out.error_text = stored.error().text;
      }
    }
  }
  reply(response);
}

}  // namespace

void handle_alter_client_quotas(RequestContext context, AlterClientQuotasRequest request,
                                Reply<AlterClientQuotasResponse> reply) {
  Broker& broker = context.broker();
  broker.control().post(
      [&broker, frame = context.frame, request = std::move(request),
       reply = std::move(reply)]() mutable { alter(broker, request, std::move(reply)); });
}

}  // namespace penstock::broker
