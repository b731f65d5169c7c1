#include "broker/handlers/offset_commit.h"

#include <utility>

#include "broker/coordinator/at_group.h"
#include "broker/handlers/committed_offsets.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::OffsetCommitRequest;
using protocol::OffsetCommitResponse;

void handle_offset_commit(RequestContext context, OffsetCommitRequest request,
                          Reply<OffsetCommitResponse> reply) {
  CommitEvent event;
  event.generation = request.generation;
  event.member_id = request.member_id;
  event.instance_id = owned(request.instance_id);
  event.knows_epochs = context.version >= 9;
  event.retention_ms = request.retention_ms;
  OffsetCommitResponse response;
  event.offsets = take_offsets(context, request, response);
  ask_group<CodeAnswer>(
      context.shard, request.group_id, std::move(event),
      [response = std::move(response), reply = std::move(reply)](CodeAnswer& answer) mutable {
        tell_partitions(response, answer.error);
        reply(response);
      });
}

}  // namespace penstock::broker
