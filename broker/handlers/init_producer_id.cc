#include "broker/handlers/init_producer_id.h"

#include <utility>

#include "broker/coordinator/at_transaction.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::InitProducerIdRequest;
using protocol::InitProducerIdResponse;

namespace {

constexpr std::int16_t kProducerFencedFrom = 4;

void refuse(Reply<InitProducerIdResponse> reply, ErrorCode error) {
  InitProducerIdResponse out;
  out.error = error;
  reply(out);
}

void give_new_id(BrokerShard& shard, Reply<InitProducerIdResponse> reply) {
  shard.producer_id([reply = std::move(reply)](tl::expected<std::int64_t, ApiError> id) mutable {
    InitProducerIdResponse out;
    if (id) {
      out.producer_id = ProducerId(*id);
      out.producer_epoch = ProducerEpoch(0);
    } else {
      out.error = id.error().code;
    }
    reply(out);
  });
}

}  // namespace

void handle_init_producer_id(RequestContext context, InitProducerIdRequest request,
                             Reply<InitProducerIdResponse> reply) {
  const bool id_given = request.producer_id != kNoProducerId;
  if (id_given != (request.producer_epoch != kNoProducerEpoch))
    return refuse(std::move(reply), ErrorCode::kInvalidRequest);
  if (!request.transactional_id) return give_new_id(context.shard, std::move(reply));
  if (request.transactional_id->empty())
    return refuse(std::move(reply), ErrorCode::kInvalidRequest);
  InitTransactionEvent event;
  event.timeout_ms = request.transaction_timeout_ms;
  if (id_given) event.expected.emplace(request.producer_id, request.producer_epoch);
  ask_transaction<ProducerAnswer>(
      context.shard, *request.transactional_id, std::move(event),
      [version = context.version, reply = std::move(reply)](ProducerAnswer& answer) mutable {
        InitProducerIdResponse out;
        out.error = fenced_for(answer.error, version, kProducerFencedFrom);
        out.producer_id = answer.producer_id;
        out.producer_epoch = answer.epoch;
        reply(out);
      });
}

}  // namespace penstock::broker
