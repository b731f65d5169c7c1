#include "broker/handlers/init_producer_id.h"

#include <utility>

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::InitProducerIdRequest;
using protocol::InitProducerIdResponse;

void handle_init_producer_id(RequestContext context, InitProducerIdRequest request,
                             Reply<InitProducerIdResponse> reply) {
  InitProducerIdResponse response;
  if (request.transactional_id) {
    response.error = request.transactional_id->empty() ? ErrorCode::kInvalidRequest
                                                       : ErrorCode::kCoordinatorNotAvailable;
    return reply(response);
  }
  context.shard.producer_id(
      [reply = std::move(reply)](tl::expected<std::int64_t, ApiError> id) mutable {
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

}  // namespace penstock::broker
