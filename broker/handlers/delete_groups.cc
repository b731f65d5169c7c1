#include "broker/handlers/delete_groups.h"

#include <memory>
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
  auto gather = std::make_shared<Gather<DeleteGroupsResponse::Group>>(
      context.shard, request.groups.size(),
      [reply = std::move(reply)](std::vector<DeleteGroupsResponse::Group> groups) mutable {
        DeleteGroupsResponse response;
        response.groups = std::move(groups);
        reply(response);
      });
  for (std::size_t i = 0; i < request.groups.size(); ++i) {
    std::string id(request.groups[i]);
    if (id.empty()) {
      gather->put(i, {std::move(id), ErrorCode::kInvalidGroupId});
      continue;
    }
    ask_group<CodeAnswer>(context.shard, request.groups[i], DeleteEvent{},
                          [gather, i, id](CodeAnswer& answer) {
                            gather->put(i, {id, answer.error});
                          });
  }
}

}  // namespace penstock::broker
