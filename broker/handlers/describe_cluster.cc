#include "broker/handlers/describe_cluster.h"

namespace penstock::broker {

using protocol::DescribeClusterRequest;
using protocol::DescribeClusterResponse;
using protocol::ErrorCode;

void handle_describe_cluster(RequestContext context, DescribeClusterRequest request,
                             Reply<DescribeClusterResponse> reply) {
  constexpr std::int8_t kBrokers = 1;
  const Broker& broker = context.broker();
  DescribeClusterResponse response;
  response.endpoint_type = request.endpoint_type;
  if (request.endpoint_type != kBrokers) {
    response.error = ErrorCode::kUnsupportedVersion;
    response.message = "Only the endpoints of brokers are known.";
    return reply(response);
  }
  response.cluster_id = broker.cluster_id();
  response.controller_id = broker.settings().node_id.value;
  response.brokers.push_back({broker.settings().node_id.value, broker.advertised().host,
                              broker.advertised().port, std::nullopt});
  reply(response);
}

}  // namespace penstock::broker
