#include "broker/handlers/init_producer_id.h"

#include <utility>

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::InitProducerIdRequest;
using protocol::InitProducerIdResponse;

void handle_init_producer_id(RequestContext context, InitProducerIdRequest request,
                             Reply<InitProducerIdResponse> reply) {
  InitProducerIdResponse response;
  if ((request.producer_id.value == -1) != (request.producer_epoch.value == -1)) {
    response.error = ErrorCode::kInvalidRequest;  // an id without its epoch, or the other way round
    return reply(response);
  }
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
