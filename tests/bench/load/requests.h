#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/bytes.h"
#include "tests/bench/load/wire.h"

// The requests that the loads are made of, in versions that both brokers speak.
namespace penstock::bench {

inline constexpr std::int16_t kProduceVersion = 8;
inline constexpr std::int16_t kFetchVersion = 11;

/// Creates the topic with these settings; throws unless it was made.
void create_topic(const std::string& bootstrap, std::string_view topic, std::int32_t partitions,
                  const std::map<std::string, std::string>& settings = {});

/// A batch of records of `record_bytes` (key and value together, keys of 8 bytes when `keyed`) up
/// to `batch_bytes`.
std::vector<std::byte> batch_of(std::size_t record_bytes, std::size_t batch_bytes, bool keyed,
                                std::uint64_t first_key = 0);
/// Produce with acks=all, one batch.
std::vector<std::byte> produce_frame(std::string_view topic, std::int32_t partition,
                                     ByteView batch);
/// Throws when the broker refused a batch.
void check_produced(ByteView answer);

/// Fetch without a session, one partition.
std::vector<std::byte> fetch_frame(std::string_view topic, std::int32_t partition,
                                   std::int64_t offset, std::int32_t bytes_max);
struct Fetched {
  std::int64_t next_offset = -1;  // -1: nothing came
  ByteView records;
};
/// Throws on errors. Only whole batches count.
Fetched read_fetched(ByteView answer);

}  // namespace penstock::bench
