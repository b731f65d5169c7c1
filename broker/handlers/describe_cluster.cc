#include "broker/handlers/describe_cluster.h"

#include "broker/handlers/authorized_operations.h"

namespace penstock::broker {

using protocol::DescribeClusterRequest;
using protocol::DescribeClusterResponse;
using protocol::ErrorCode;

void handle_describe_cluster(RequestContext context, DescribeClusterRequest request,
                             Reply<DescribeClusterResponse> reply) {
  constexpr std::int8_t kBrokers = 1;
  constexpr std::int8_t kControllers = 2;
  const Broker& broker = context.broker();
  DescribeClusterResponse response;
  if (request.endpoint_type == kControllers) {
    response.error = ErrorCode::kMismatchedEndpointType;
    response.message =
        "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type "
        "CONTROLLER";
    return reply(response);
  }
  if (request.endpoint_type != kBrokers) {
    response.error = ErrorCode::kUnsupportedEndpointType;
    response.message = "Unsupported endpoint type " + std::to_string(request.endpoint_type);
    return reply(response);
  }
  response.cluster_id = broker.cluster_id();
  response.controller_id = broker.settings().node_id.value;
  response.brokers.push_back({broker.settings().node_id.value, broker.advertised().host,
                              broker.advertised().port, broker.settings().rack, false});
  if (request.include_authorized_operations) response.authorized_operations = kClusterOperations;
  reply(response);
}

}  // namespace penstock::broker
