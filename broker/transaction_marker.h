#pragma once

#include <cstdint>

#include "broker/topics.h"
#include "framework/base/ids.h"
#include "framework/base/unique_function.h"
#include "framework/protocol/error_code.h"

namespace penstock::broker {

/// The end of a transaction, as it is written to each of its partitions.
struct TransactionMarker {
  ProducerId producer_id{-1};
  ProducerEpoch producer_epoch{-1};
  bool commit = false;
  std::int32_t coordinator_epoch = 0;
  std::int16_t transaction_version = 0;  // 2: the epoch is above that of the records (KIP-890)
  // Of a marker by hand: a higher one would fence the coordinator.
  std::int32_t coordinator_epoch_max = INT32_MAX;
};

/// Writes the marker and waits until it is committed; in __consumer_offsets the group coordinator
/// then learns of it. From any shard; `done` on the partition's owner. kUnknownTopicOrPartition
/// when the partition was deleted, kNotLeaderOrFollower when it may come back.
void write_marker(const PartitionRef& handle, const TransactionMarker& marker,
                  UniqueFunction<void(protocol::ErrorCode)> done);

}  // namespace penstock::broker
