#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "broker/coordinator/coordinator_settings.h"
#include "broker/coordinator/transaction_settings.h"
#include "broker/topics.h"
#include "framework/base/error.h"
#include "framework/base/ids.h"

namespace penstock::broker {

struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
};

/// Everything that can be set, checked. Names in broker.properties are Kafka's; see settings.cc.
struct Settings {
  Endpoint listener{"127.0.0.1", 9092};
  Endpoint advertised;  // empty host, port 0: as the listener
  std::string log_dir = "penstock-data";
  BrokerId node_id{1};
  std::optional<std::string> rack;
  std::string cluster_id;  // empty: what the data directory says, or a new one
  std::int32_t num_partitions = 1;
  bool auto_create_topics = true;
  TopicSettings topic_defaults;
  std::int32_t request_bytes_max = 100 << 20;
  std::int64_t queued_request_bytes_max = 64LL << 20;
  std::int64_t connection_idle_ms_max = 600'000;
  std::int32_t connections_max = 10'000;
  std::int32_t connections_per_address_max = 10'000;
  std::int32_t shards = 0;  // 0: CPUs in the affinity mask, at most 8
  std::int32_t described_partitions_max = 2000;
  bool delete_topics = true;
  std::int32_t fetch_bytes_max = 55 << 20;
  std::int32_t fetch_sessions_max = 1000;
  std::int64_t retention_check_ms = 300'000;
  std::int64_t checkpoint_ms = 5'000;
  struct Cleaner {
    bool enabled = true;
    std::int64_t backoff_ms = 15'000;
    std::uint64_t map_bytes_max = 128ULL << 20;
    double bytes_per_second = 0;  // 0: no limit
  } cleaner;
  std::int64_t scrub_bytes_per_second = 1 << 20;
  bool assume_power_cut = false;
  CoordinatorSettings coordinator;
  TransactionSettings transactions;
  std::vector<std::string> notes;            // what was given and changes nothing, a line each
  std::map<std::string, std::string> given;  // every setting as it was typed
};

/// Host and port that clients are told: `bound` is the port that was really taken, and "all
/// addresses" has a name.
[[nodiscard]] Endpoint advertised_endpoint(const Settings& settings, std::uint16_t bound);
/// HOST:PORT, with brackets around an IPv6 address.
[[nodiscard]] std::string to_string(const Endpoint& endpoint);

/// Every setting there is, in the order of the documentation.
[[nodiscard]] std::vector<config::Key> setting_keys();

/// Reads `file` (may be empty: defaults) and "key=value" overrides, which win. All problems at
/// once, one line each.
Result<Settings> load_settings(const std::string& file, const std::vector<std::string>& overrides);

}  // namespace penstock::broker
