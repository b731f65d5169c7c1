#include "broker/handlers/find_coordinator.h"

#include <utility>
#include <vector>

#include "broker/coordinator/at_group.h"
#include "broker/coordinator/at_transaction.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::FindCoordinatorRequest;
using protocol::FindCoordinatorResponse;

namespace {

constexpr std::int8_t kGroup = 0;
constexpr std::int8_t kTransaction = 1;

FindCoordinatorResponse::Coordinator found(const Broker& broker, std::string key) {
  FindCoordinatorResponse::Coordinator out;
  out.key = std::move(key);
  out.broker_id = broker.settings().node_id.value;
  out.host = broker.advertised().host;
  out.port = broker.advertised().port;
  out.message = "";  // as Kafka says it, not null
  return out;
}

FindCoordinatorResponse::Coordinator refused(std::string key, const ApiError& why) {
  FindCoordinatorResponse::Coordinator out;
  out.key = std::move(key);
  out.error = why.code;
  out.message = why.text;
  return out;
}

void send(std::int16_t version, std::vector<FindCoordinatorResponse::Coordinator> all,
          Reply<FindCoordinatorResponse> reply) {
  FindCoordinatorResponse response;
  if (version >= 4) {
    response.coordinators = std::move(all);
    return reply(response);
  }
  const FindCoordinatorResponse::Coordinator& one = all.front();
  response.error = one.error;
  response.message = one.error == ErrorCode::kNone ? "NONE" : one.message;
  response.broker_id = one.broker_id;
  response.host = one.host;
  response.port = one.port;
  reply(response);
}

}  // namespace

void handle_find_coordinator(RequestContext context, FindCoordinatorRequest request,
                             Reply<FindCoordinatorResponse> reply) {
  std::vector<std::string> keys(request.keys.begin(), request.keys.end());
  if (context.version < 4) keys = {std::string(request.key)};
  if (request.key_type != kGroup && request.key_type != kTransaction) {
    const ApiError why{ErrorCode::kInvalidRequest, "Unknown key type."};
    std::vector<FindCoordinatorResponse::Coordinator> all;
    for (std::string& key : keys) all.push_back(refused(std::move(key), why));
    return send(context.version, std::move(all), std::move(reply));
  }
  auto answer = [&broker = context.broker(), version = context.version, keys = std::move(keys),
                 reply = std::move(reply)](std::optional<ApiError> failed) mutable {
    std::vector<FindCoordinatorResponse::Coordinator> all;
    for (std::string& key : keys) {
      all.push_back(
          failed ? refused(std::move(key), {ErrorCode::kCoordinatorNotAvailable, failed->text})
                 : found(broker, std::move(key)));
    }
    send(version, std::move(all), std::move(reply));
  };
  if (request.key_type == kGroup)
    ensure_offsets_topic(context.shard, std::move(answer));
  else
    ensure_transaction_topic(context.shard, std::move(answer));
}

}  // namespace penstock::broker
