#include "broker/handlers/end_txn.h"

#include <utility>

#include "broker/coordinator/at_transaction.h"

namespace penstock::broker {

using protocol::EndTxnRequest;
using protocol::EndTxnResponse;
using protocol::ErrorCode;

namespace {
constexpr std::int16_t kProducerFencedFrom = 2;
constexpr std::int16_t kEpochBumpFrom = 5;
}  // namespace

void handle_end_txn(RequestContext context, EndTxnRequest request, Reply<EndTxnResponse> reply) {
  if (request.transactional_id.empty()) {
    EndTxnResponse out;
    out.error = ErrorCode::kInvalidRequest;
    return reply(out);
  }
  EndTransactionEvent event;
  event.producer_id = request.producer_id;
  event.epoch = request.producer_epoch;
  event.commit = request.committed;
  event.client_version = context.version >= kEpochBumpFrom ? kTransactionVersionEpochBump : 0;
  ask_transaction<ProducerAnswer>(
      context.shard, request.transactional_id, std::move(event),
      [version = context.version, reply = std::move(reply)](ProducerAnswer& answer) mutable {
        EndTxnResponse out;
        out.error = fenced_for(answer.error, version, kProducerFencedFrom);
        out.producer_id = answer.producer_id;
        out.producer_epoch = answer.epoch;
        reply(out);
      });
}

}  // namespace penstock::broker
