#pragma once

#include <map>
#include <string>
#include <vector>

#include "framework/base/error.h"
#include "framework/base/ids.h"

namespace penstock::client {

/// The ids of `topics`, as the first of the bootstrap brokers that answers says now; a topic that
/// is not there is left out. Empty: the cluster is older than topic ids (KIP-516, Kafka 2.8). Waits
/// at most `timeout_ms` for each broker. kUnavailable: none answers; kInvalid: no Kafka broker.
Result<std::map<std::string, Uuid>> topic_ids(const std::string& bootstrap_servers,
                                              const std::vector<std::string>& topics,
                                              int timeout_ms);

}  // namespace penstock::client
