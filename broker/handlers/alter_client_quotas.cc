#include "broker/handlers/alter_client_quotas.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
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

/// Kafka's rules, but for what is no number or infinite, which it takes.
std::optional<ApiError> check(const QuotaEntity& entity, const std::string& key, double value) {
  constexpr double kWholeWithin = 1e-6;
  const auto invalid = [](std::string text) {
    return ApiError{ErrorCode::kInvalidRequest, std::move(text)};
  };
  const bool whole = key == kProducerByteRate || key == kConsumerByteRate;
  const bool any = key == kRequestPercentage || key == kControllerMutationRate;
  const bool ip = entity.contains("ip");
  if (ip ? key != kConnectionCreationRate : !whole && !any)
    return invalid("Invalid configuration key " + key);
  if (!(value > 0)) return invalid("Quota " + key + " must be greater than 0");
  if (std::isinf(value)) return invalid("Quota " + key + " must be finite");
  if (any) return std::nullopt;
  const double most = ip ? static_cast<double>(std::numeric_limits<std::int32_t>::max())
                         : static_cast<double>(std::numeric_limits<std::int64_t>::max());
  if (value > most)
    return invalid("Proposed value for " + key + " is too large for " +
                   (ip ? "an INT." : "a LONG."));
  if (std::abs(value - std::floor(value + kWholeWithin)) > kWholeWithin)
    return invalid(key + " cannot be a fractional value.");
  return std::nullopt;
}

std::optional<ApiError> check_ops(const QuotaEntity& entity,
                                  const AlterClientQuotasRequest::Entry& entry) {
  std::set<std::string_view> keys;
  for (const AlterClientQuotasRequest::Op& op : entry.ops) {
    if (!keys.insert(op.key).second)
      return ApiError{ErrorCode::kInvalidRequest, "Duplicate quota key " + std::string(op.key)};
    if (op.remove) continue;
    if (auto wrong = check(entity, std::string(op.key), op.value)) return wrong;
  }
  return std::nullopt;
}

/// What the entries of a request come to.
class Changes {
 public:
  explicit Changes(const ClientQuotas& quotas) : quotas_(quotas), entities_(quotas.entities()) {}

  /// Nothing of an entry that is refused stays.
  std::optional<ApiError> add(const AlterClientQuotasRequest::Entry& entry) {
    auto entity = read_entity(entry);
    if (!entity) return entity.error();
    if (auto wrong = check_ops(*entity, entry)) return wrong;
    const auto known = changed_.find(*entity);
    QuotaValues values = known == changed_.end() ? quotas_.of(*entity) : known->second;
    const bool was_set = !values.empty();
    for (const AlterClientQuotasRequest::Op& op : entry.ops) {
      const std::string key(op.key);
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

/// The entries by what they name, in whatever order: Kafka answers each entity once, and refuses
/// one that is there twice.
using EntityKey = std::vector<std::pair<std::string_view, std::optional<std::string_view>>>;
EntityKey key_of(const AlterClientQuotasRequest::Entry& entry) {
  EntityKey out;
  for (const auto& part : entry.entity) {
    out.emplace_back(part.type,
                     part.name ? std::optional<std::string_view>(*part.name) : std::nullopt);
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// On the control thread, which all changes of metadata wait for: no copy of what is there, and one
/// commit.
void alter(Broker& broker, const AlterClientQuotasRequest& request,
           Reply<AlterClientQuotasResponse> reply) {
  AlterClientQuotasResponse response;
  Changes changes(broker.quotas());
  const bool too_many = request.entries.size() > kEntriesMax;
  std::map<EntityKey, int> times;
  for (const AlterClientQuotasRequest::Entry& entry : request.entries) ++times[key_of(entry)];
  for (const AlterClientQuotasRequest::Entry& entry : request.entries) {
    const int count = std::exchange(times[key_of(entry)], 0);
    if (count == 0) continue;  // answered
    AlterClientQuotasResponse::Entry& out = response.entries.emplace_back();
    out.entity = entry.entity;
    const std::optional<ApiError> refused =
        too_many    ? ApiError{ErrorCode::kPolicyViolation, kTooManyEntries}
        : count > 1 ? ApiError{ErrorCode::kInvalidRequest, "The entity is named twice."}
                    : changes.add(entry);
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
