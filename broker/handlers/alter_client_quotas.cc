#include "broker/handlers/alter_client_quotas.h"

#include <arpa/inet.h>

#include <cmath>
#include <map>
#include <optional>
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
constexpr std::size_t kEntriesMax = 10'000;  // of a request; Kafka's most records of an operation
constexpr const char* kTooManyEntries = "A request changes the quotas of at most 10000 entities.";

tl::unexpected<ApiError> refuse(std::string text) {
  return tl::make_unexpected(ApiError{ErrorCode::kInvalidRequest, std::move(text)});
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

/// What the entries of a request come to; those behind see what those before did.
class Changes {
 public:
  explicit Changes(const ClientQuotas& quotas) : quotas_(quotas), entities_(quotas.entities()) {}

  /// Nothing of an entry that is refused stays.
  std::optional<ApiError> add(const AlterClientQuotasRequest::Entry& entry) {
    auto entity = read_entity(entry);
    if (!entity) return entity.error();
    const auto known = changed_.find(*entity);
    QuotaValues values = known == changed_.end() ? quotas_.of(*entity) : known->second;
    const bool was_set = !values.empty();
    for (const AlterClientQuotasRequest::Op& op : entry.ops) {
      const std::string key(op.key);
      if (auto wrong = check(*entity, key, op.remove ? 1 : op.value)) return wrong;
      if (op.remove)
        values.erase(key);
      else
        values[key] = op.value;
    }
    if (!was_set && !values.empty() && entities_ >= kEntitiesMax)
      return ApiError{
          ErrorCode::kPolicyViolation,
          "There are quotas for " + std::to_string(kEntitiesMax) + " entities already."};
    entities_ = entities_ + (values.empty() ? 0 : 1) - (was_set ? 1 : 0);
    changed_.insert_or_assign(std::move(*entity), std::move(values));
    return std::nullopt;
  }
  [[nodiscard]] std::vector<QuotaChange> all() const {
    std::vector<QuotaChange> out;
    for (const auto& [entity, values] : changed_) out.push_back({entity, values});
    return out;
  }

 private:
  const ClientQuotas& quotas_;
  std::size_t entities_;
  std::map<QuotaEntity, QuotaValues> changed_;
};

/// On the control thread, which all changes of metadata wait for: no copy of what is there, and one
/// commit.
void alter(Broker& broker, const AlterClientQuotasRequest& request,
           Reply<AlterClientQuotasResponse> reply) {
  AlterClientQuotasResponse response;
  Changes changes(broker.quotas());
  const bool too_many = request.entries.size() > kEntriesMax;
  for (const AlterClientQuotasRequest::Entry& entry : request.entries) {
    AlterClientQuotasResponse::Entry& out = response.entries.emplace_back();
    out.entity = entry.entity;
    const std::optional<ApiError> refused =
        too_many ? ApiError{ErrorCode::kPolicyViolation, kTooManyEntries} : changes.add(entry);
    if (!refused) continue;
    out.error = refused->code;
    out.error_text = refused->text;
  }
  const std::vector<QuotaChange> all = changes.all();
  if (!request.validate_only && !all.empty()) {
    if (const Status stored = store_quotas(broker, all); !stored) {
      for (AlterClientQuotasResponse::Entry& out : response.entries) {
        if (out.error != ErrorCode::kNone) continue;
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
