#include "broker/handlers/add_offsets_to_txn.h"

#include <utility>

#include "broker/coordinator/at_group.h"
#include "broker/coordinator/at_transaction.h"

namespace penstock::broker {

using protocol::AddOffsetsToTxnRequest;
using protocol::AddOffsetsToTxnResponse;
using protocol::ErrorCode;

namespace {

constexpr std::int16_t kProducerFencedFrom = 2;

void send(Reply<AddOffsetsToTxnResponse> reply, ErrorCode error) {
  AddOffsetsToTxnResponse out;
  out.error = error;
  reply(out);
}

}  // namespace

void handle_add_offsets_to_txn(RequestContext context, AddOffsetsToTxnRequest request,
                               Reply<AddOffsetsToTxnResponse> reply) {
  if (request.transactional_id.empty()) return send(std::move(reply), ErrorCode::kInvalidRequest);
  const PartitionRef offsets = partition_of_group(*context.shard.topics(), request.group_id);
  if (!offsets) {
    ensure_offsets_topic(context.shard, [](const std::optional<ApiError>&) {});
    return send(std::move(reply), ErrorCode::kCoordinatorNotAvailable);
  }
  AddPartitionsEvent event;
  event.producer_id = request.producer_id;
  event.epoch = request.producer_epoch;
  event.partitions.emplace_back(offsets->topic, offsets->index.value);
  ask_transaction<PartitionsAnswer>(
      context.shard, request.transactional_id, std::move(event),
      [version = context.version, reply = std::move(reply)](PartitionsAnswer& answer) mutable {
        send(std::move(reply), fenced_for(answer.error, version, kProducerFencedFrom));
      });
}

}  // namespace penstock::broker
