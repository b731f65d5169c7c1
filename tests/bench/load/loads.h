#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

// What can be put on a broker. Each runs on one thread and returns its figures; errors are
// std::runtime_error.
namespace penstock::bench {

struct ProduceOptions {
  std::string bootstrap;
  std::string topic;
  std::int32_t partitions = 4;  // one connection each, unless `connections` says more
  std::int32_t connections = 0;
  std::uint64_t bytes = 1 << 30;  // of record batches; 0: as long as `seconds`
  double seconds = 0;
  std::size_t record_bytes = 100;
  std::size_t batch_bytes = 64 << 10;  // record_bytes or less: one record a request
  std::int32_t in_flight = 5;          // requests of one connection
  bool keyed = false;                  // the key chooses the partition, as in Java's client
};
/// As fast as the broker answers: {"bytes", "requests", "seconds", "client_cpu_s", "p50_us",
/// "p99_us"}.
nlohmann::json run_produce(const ProduceOptions& options);

struct ConsumeOptions {
  std::string bootstrap;
  std::string topic;
  std::int32_t partitions = 4;
  std::uint64_t bytes = 1 << 30;
  std::int32_t fetch_bytes = 1 << 20;
  bool from_end =
      false;  // tail: only what is written from now on; says "waiting" on stderr once it listens
};
/// Reads from the start, over and over, until it has `bytes`.
nlohmann::json run_consume(const ConsumeOptions& options);

struct LatencyOptions {
  std::string bootstrap;
  std::string topic;
  std::int32_t partitions = 4;
  std::int64_t rate = 10'000;  // records/s, on an open-loop schedule
  double seconds = 30;
  double warm_up_seconds = 5;
  std::size_t record_bytes = 100;
  std::string compacted_topic;  // not empty: 50 keyed batches/s of 16 KiB go there as well
};
/// From the moment a record was due until a consumer has it, so that a broker that stalls is
/// charged for what it held up.
nlohmann::json run_latency(const LatencyOptions& options);

struct IdleOptions {
  std::string bootstrap;
  std::string topic;
  std::int32_t partitions = 50;
  std::int32_t consumers = 500;
  double seconds = 20;
  std::int64_t broker_pid = 0;
};
/// Consumers with fetch sessions, fetch.max.wait.ms=500 and nothing to read; the broker's CPU share
/// once all are there.
nlohmann::json run_idle(const IdleOptions& options);

/// The least that a broker can do for `bytes`: receive from loopback, one CRC and one pwrite a
/// batch into `directory`; or send a file of the page cache with sendfile. CPU seconds of that side
/// alone.
nlohmann::json run_receive_floor(const std::string& directory, std::uint64_t bytes,
                                 std::size_t batch_bytes);
nlohmann::json run_sendfile_floor(const std::string& directory, std::uint64_t bytes);

/// Writes segments of sound, sparse record batches and their offset indexes, offsets and epochs in
/// order, of now, into the directory of a partition that a stopped broker has emptied: 'stored'
/// data that takes a page a batch. Whoever reads them finds their CRCs right. Returns the offset
/// behind them.
nlohmann::json make_sparse_segments(const std::string& directory, int segments,
                                    std::uint64_t segment_bytes, std::size_t batch_bytes);

/// Microseconds at these shares of `sorted`.
[[nodiscard]] double percentile_us(const std::vector<std::uint32_t>& sorted, double share);

}  // namespace penstock::bench
