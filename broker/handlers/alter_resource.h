#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/gather.h"
#include "broker/handler.h"
#include "broker/handlers/config_entries.h"

// What AlterConfigs and IncrementalAlterConfigs have in common.
namespace penstock::broker {

using ConfigChanges = std::map<std::string, std::optional<std::string>>;

/// Why a resource cannot be altered at all; nullopt for a topic that exists, the broker and
/// any group.
[[nodiscard]] std::optional<ApiError> refuse_resource(const RequestContext& context,
                                                      std::int8_t type, std::string_view name);
/// What was set so far: of the topic, of the group, of this broker, or of all brokers.
[[nodiscard]] const std::map<std::string, std::string>& set_values(const RequestContext& context,
                                                                   std::int8_t type,
                                                                   std::string_view name);
/// Stores the changes and hands the outcome to `done`, on any thread.
void change_resource(const RequestContext& context, std::int8_t type, std::string_view name,
                     ConfigChanges changes, bool validate_only, TopicAdmin::AlterDone done);

/// Answers `request` with the outcome for each of its resources; `changes(resource)` gives what to
/// change or why not. `done_already(resource, outcome)` may have dealt with one of another kind.
template <class Request, class Response, class DoneAlready, class Changes>
void alter_resources(RequestContext& context, const Request& request, Reply<Response> reply,
                     DoneAlready done_already, Changes changes) {
  using Outcome = typename decltype(Response::resources)::value_type;
  if (request.resources.empty()) return reply(Response());
  auto gather = std::make_shared<Gather<Outcome>>(
      context.shard, request.resources.size(),
      [reply = std::move(reply)](std::vector<Outcome> all) mutable {
        Response response;
        response.resources = std::move(all);
        reply(response);
      });
  std::map<std::pair<std::int8_t, std::string_view>, int> times;
  for (const auto& resource : request.resources) ++times[{resource.type, resource.name}];
  for (std::size_t i = 0; i < request.resources.size(); ++i) {
    const auto& resource = request.resources[i];
    Outcome outcome;
    outcome.type = resource.type;
    outcome.name = resource.name;
    std::optional<ApiError> refused;
    if (times[{resource.type, resource.name}] > 1) {
      refused =
          ApiError{protocol::ErrorCode::kInvalidRequest, "Each resource must appear at most once."};
    }
    if (!refused && done_already(resource, outcome)) {
      gather->put(i, std::move(outcome));
      continue;
    }
    if (!refused) refused = refuse_resource(context, resource.type, resource.name);
    tl::expected<ConfigChanges, ApiError> wanted;
    if (refused)
      wanted = tl::make_unexpected(std::move(*refused));
    else
      wanted = changes(resource);
    if (!wanted) {
      outcome.error = wanted.error().code;
      outcome.message = wanted.error().text;
      gather->put(i, std::move(outcome));
      continue;
    }
    change_resource(
        context, resource.type, resource.name, std::move(*wanted), request.validate_only,
        [gather, i, outcome = std::move(outcome)](std::optional<ApiError> failed) mutable {
          if (failed) {
            outcome.error = failed->code;
            outcome.message = std::move(failed->text);
          }
          gather->put(i, std::move(outcome));
        });
  }
}

}  // namespace penstock::broker
