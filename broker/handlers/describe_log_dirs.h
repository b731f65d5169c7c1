#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/describe_log_dirs.h"

// DescribeLogDirs (key 35), versions 1-5. v3 an error of the whole answer, v4 bytes of the file
// system (KIP-827), v5 cordoned (KIP-1066): never. Sizes are those of the segments' files, without
// indexes, as in Kafka. A data directory that failed is KAFKA_STORAGE_ERROR and has no partitions.
namespace penstock::broker {

void handle_describe_log_dirs(RequestContext context, protocol::DescribeLogDirsRequest request,
                              Reply<protocol::DescribeLogDirsResponse> reply);

}  // namespace penstock::broker
