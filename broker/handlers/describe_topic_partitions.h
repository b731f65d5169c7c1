#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/describe_topic_partitions.h"

// DescribeTopicPartitions (key 75), version 0 (KIP-966). Topics in the order of their names, at
// most max.request.partition.size.limit partitions in an answer; the cursor says where to go on.
// With one replica nobody is eligible beside the leader.
namespace penstock::broker {

void handle_describe_topic_partitions(RequestContext context,
                                      protocol::DescribeTopicPartitionsRequest request,
                                      Reply<protocol::DescribeTopicPartitionsResponse> reply);

}  // namespace penstock::broker
