#include "broker/handlers/list_groups.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "broker/coordinator/coordinator.h"
#include "broker/gather.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::ListGroupsRequest;
using protocol::ListGroupsResponse;

namespace {

struct Part {
  std::vector<ListGroupsResponse::Group> groups;
  ErrorCode error = ErrorCode::kNone;
};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

/// Filters are compared without regard to case; none means all.
std::set<std::string> filter(const std::vector<std::string_view>& names) {
  std::set<std::string> out;
  for (const std::string_view name : names) out.insert(lower(name));
  return out;
}

struct Filter {
  std::set<std::string> states;
  std::set<std::string> types;
};

bool passes(const std::set<std::string>& names, std::string_view name) {
  return names.empty() || names.contains(lower(name));
}

Part list(GroupCoordinator& coordinator, const Filter& wanted) {
  Part part;
  part.error = coordinator.look_at_all([&](const Group& group) {
    const std::string state(group.consumer ? state_name(*group.consumer) : to_string(group.state));
    const std::string type = group.consumer ? "consumer" : "classic";
    if (!passes(wanted.states, state) || !passes(wanted.types, type)) return;
    const std::string protocol = group.consumer ? "consumer" : group.protocol_type.value_or("");
    part.groups.push_back({group.id, protocol, state, type});
  });
  return part;
}

}  // namespace

void handle_list_groups(RequestContext context, ListGroupsRequest request,
                        Reply<ListGroupsResponse> reply) {
  const Filter wanted{filter(request.states), filter(request.types)};
  Broker& broker = context.broker();
  auto gather = std::make_shared<Gather<Part>>(
      context.shard, broker.shard_count(),
      [reply = std::move(reply)](std::vector<Part> parts) mutable {
        ListGroupsResponse response;
        for (Part& part : parts) {
          if (part.error != ErrorCode::kNone) response.error = part.error;
          std::move(part.groups.begin(), part.groups.end(), std::back_inserter(response.groups));
        }
        if (response.error != ErrorCode::kNone) response.groups.clear();
        reply(response);
      });
  for (std::size_t i = 0; i < broker.shard_count(); ++i) {
    BrokerShard& shard = broker.shard(i);
    shard.io().post([&shard, gather, i, wanted] { gather->put(i, list(shard.groups(), wanted)); });
  }
}

}  // namespace penstock::broker
