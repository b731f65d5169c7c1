#include "broker/handlers/delete_groups.h"

#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include "broker/coordinator/at_group.h"
#include "broker/gather.h"

namespace penstock::broker {

using protocol::DeleteGroupsRequest;
using protocol::DeleteGroupsResponse;
using protocol::ErrorCode;

void handle_delete_groups(RequestContext context, DeleteGroupsRequest request,
                          Reply<DeleteGroupsResponse> reply) {
  if (request.groups.empty()) return reply(DeleteGroupsResponse());
  const std::set<std::string_view> distinct(request.groups.begin(), request.groups.end());
  auto gather = std::make_shared<Gather<DeleteGroupsResponse::Group>>(
      context.shard, distinct.size(),
      [reply = std::move(reply)](std::vector<DeleteGroupsResponse::Group> groups) mutable {
        DeleteGroupsResponse response;
        response.groups = std::move(groups);
        reply(response);
      });
  std::size_t at = 0;
  for (const std::string_view group : distinct) {
    ask_group<CodeAnswer>(context.shard, group, DeleteEvent{},
                          [gather, i = at, id = std::string(group)](CodeAnswer& answer) {
                            gather->put(i, {id, answer.error});
                          });
    ++at;
  }
}

}  // namespace penstock::broker
