#include "broker/handlers/describe_client_quotas.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "broker/client_quotas.h"

namespace penstock::broker {

using protocol::DescribeClientQuotasRequest;
using protocol::DescribeClientQuotasResponse;
using protocol::ErrorCode;

namespace {

struct Filter {
  QuotaEntity exact;
  std::set<std::string> specified;
  bool strict = false;

  [[nodiscard]] bool has(const std::string& type) const {
    return exact.contains(type) || specified.contains(type);
  }
  [[nodiscard]] bool matches(const QuotaEntity& entity) const {
    for (const auto& [type, name] : exact) {
      const auto found = entity.find(type);
      if (found == entity.end() || found->second != name) return false;
    }
    for (const std::string& type : specified) {
      if (!entity.contains(type)) return false;
    }
    return !strict || entity.size() == exact.size() + specified.size();
  }
};

tl::unexpected<ApiError> refuse(ErrorCode code, std::string text) {
  return tl::make_unexpected(ApiError{code, std::move(text)});
}

tl::expected<Filter, ApiError> read_filter(const DescribeClientQuotasRequest& request) {
  Filter out;
  out.strict = request.strict;
  for (const auto& component : request.components) {
    const std::string type(component.type);
    if (type.empty()) return refuse(ErrorCode::kInvalidRequest, "Invalid empty entity type.");
    if (type != "user" && type != "client-id" && type != "ip")
      return refuse(ErrorCode::kUnsupportedVersion,
                    "Custom entity type '" + type + "' not supported");
    if (out.has(type))
      return refuse(ErrorCode::kInvalidRequest, "Entity type " + type + " is named twice.");
    switch (component.match_type) {
      case DescribeClientQuotasRequest::kExact:
        if (!component.match)
          return refuse(ErrorCode::kInvalidRequest, "An exact match of " + type + " needs a name.");
        out.exact[type] = std::string(*component.match);
        break;
      case DescribeClientQuotasRequest::kDefault:
      case DescribeClientQuotasRequest::kSpecified:
        if (component.match)
          return refuse(ErrorCode::kInvalidRequest,
                        "Only an exact match of " + type + " has a name.");
        if (component.match_type == DescribeClientQuotasRequest::kDefault)
          out.exact[type] = std::nullopt;
        else
          out.specified.insert(type);
        break;
      default:
        return refuse(ErrorCode::kInvalidRequest,
                      "Unknown match type " + std::to_string(component.match_type));
    }
  }
  if (out.has("ip") && (out.has("user") || out.has("client-id")))
    return refuse(ErrorCode::kInvalidRequest,
                  "An ip filter cannot be combined with users or client ids.");
  return out;
}

}  // namespace

void handle_describe_client_quotas(RequestContext context, DescribeClientQuotasRequest request,
                                   Reply<DescribeClientQuotasResponse> reply) {
  DescribeClientQuotasResponse response;
  const auto filter = read_filter(request);
  if (!filter) {
    response.error = filter.error().code;
    response.error_text = filter.error().text;
    return reply(response);
  }
  response.error_text = "";
  response.entries.emplace();
  for (const auto& [entity, values] : context.broker().quotas().all()) {
    if (!filter->matches(entity)) continue;
    DescribeClientQuotasResponse::Entry& entry = response.entries->emplace_back();
    for (const auto& [type, name] : entity) entry.entity.push_back({type, name});
    for (const auto& [key, value] : values) entry.values.push_back({key, value});
  }
  reply(response);
}

}  // namespace penstock::broker
