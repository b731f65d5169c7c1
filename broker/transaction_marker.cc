#include "broker/transaction_marker.h"

#include <utility>

#include "broker/broker.h"
#include "broker/coordinator/coordinator.h"
#include "broker/partition.h"

namespace penstock::broker {

using protocol::ErrorCode;

namespace {

constexpr std::int64_t kMarkerTimeoutMs = 5'000;

void write_on_owner(const PartitionRef& handle, const TransactionMarker& marker,
                    Partition* partition, UniqueFunction<void(ErrorCode)> done) {
  if (partition == nullptr) {
    return done(handle->offline.text.empty() ? ErrorCode::kUnknownTopicOrPartition
                                             : ErrorCode::kNotLeaderOrFollower);
  }
  const bool offsets = handle->topic == kConsumerOffsetsTopic;
  GroupCoordinator& groups = handle->owner->groups();
  if (offsets && !groups.is_ready(handle)) return done(ErrorCode::kNotLeaderOrFollower);
  const AppendOutcome outcome = partition->append_marker(marker);
  if (outcome.error != ErrorCode::kNone) return done(outcome.error);
  partition->when_acknowledged(
      outcome.end, -1, kMarkerTimeoutMs,
      [&groups, handle, marker, offsets, done = std::move(done)](ErrorCode error) mutable {
        if (error == ErrorCode::kNone && offsets)
          groups.transaction_ended(handle, marker.producer_id, marker.commit);
        done(error);
      });
}

}  // namespace

void write_marker(const PartitionRef& handle, const TransactionMarker& marker,
                  UniqueFunction<void(ErrorCode)> done) {
  PartitionHandle::on_owner(handle,
                            [handle, marker, done = std::move(done)](Partition* partition) mutable {
                              write_on_owner(handle, marker, partition, std::move(done));
                            });
}

}  // namespace penstock::broker
