#pragma once

#include <algorithm>
#include <cstdint>

#include "broker/topics.h"
#include "framework/base/ids.h"
#include "framework/protocol/error_code.h"

// What a partition's leader decides, as plain functions of its state and an event; no I/O, so that
// a simulator can drive them.
namespace penstock::broker {

struct PartitionState {
  LeaderEpoch epoch{0};
  Offset log_start{0};
  Offset log_end{0};
  Offset flushed_end{0};
  Offset high_watermark{0};
  std::int32_t replicas = 1;
  std::int32_t in_sync = 1;  // the leader included
  FlushMode flush = FlushMode::kOs;
};

/// How far all replicas in sync have got by this broker's rule: with flush=ack a replica has what
/// it flushed. Never goes back.
[[nodiscard]] inline Offset next_high_watermark(const PartitionState& state) {
  const Offset own =
      state.flush == FlushMode::kAck ? std::min(state.flushed_end, state.log_end) : state.log_end;
  return std::max(state.high_watermark, own);
}

/// Before an append (KIP-966 aside): acks=all needs min.insync.replicas, or all replicas where
/// there are fewer (Kafka's effective minimum).
[[nodiscard]] inline protocol::ErrorCode check_append(const PartitionState& state,
                                                      std::int16_t acks, std::int32_t min_in_sync) {
  return acks == -1 && state.in_sync < std::min(min_in_sync, state.replicas)
             ? protocol::ErrorCode::kNotEnoughReplicas
             : protocol::ErrorCode::kNone;
}

/// Whether the producer of records below `end` may be answered.
[[nodiscard]] inline bool may_acknowledge(const PartitionState& state, Offset end,
                                          std::int16_t acks) {
  // The high watermark may lie beyond what was flushed when flush=ack is new to the topic.
  if (state.flush == FlushMode::kAck && end > state.flushed_end) return false;
  return acks != -1 || end <= state.high_watermark;
}

/// The epoch that a client believes in (KIP-320); -1: it does not say.
[[nodiscard]] inline protocol::ErrorCode check_leader_epoch(const PartitionState& state,
                                                            LeaderEpoch claimed) {
  if (claimed.value < 0 || claimed == state.epoch) return protocol::ErrorCode::kNone;
  return claimed < state.epoch ? protocol::ErrorCode::kFencedLeaderEpoch
                               : protocol::ErrorCode::kUnknownLeaderEpoch;
}

/// Up to where a reader may see; `first_unstable` is the first open transaction's first record, or
/// kNone.
[[nodiscard]] inline Offset last_stable_offset(const PartitionState& state, Offset first_unstable) {
  return first_unstable == Offset::kNone ? state.high_watermark
                                         : std::min(state.high_watermark, first_unstable);
}

}  // namespace penstock::broker
