#include <spdlog/spdlog.h>

#include <algorithm>

#include "broker/broker.h"
#include "broker/partition.h"

namespace penstock::broker {

using protocol::ErrorCode;

namespace {

/// KIP-890: with transactions v2 the marker's epoch lies above that of the records; the same one
/// again is a marker that was written before.
bool marker_is_late(const log::ProducerState::Entry& entry, const TransactionMarker& marker) {
  if (marker.producer_epoch < entry.epoch) return true;
  if (marker.transaction_version < 2 || marker.producer_epoch != entry.epoch) return false;
  return entry.transaction_first != Offset::kNone && entry.epoch.value != INT16_MAX;
}

std::vector<std::byte> marker_batch(const TransactionMarker& marker, std::int64_t now_ms) {
  record::BatchBuilder::Options options;
  options.producer_id = marker.producer_id;
  options.producer_epoch = marker.producer_epoch;
  options.transactional = true;
  options.control = true;
  record::BatchBuilder builder(options);
  std::byte key[4];  // version 0, and 0 abort or 1 commit
  store_be(key, std::int16_t{0});
  store_be(key + 2, static_cast<std::int16_t>(marker.commit ? 1 : 0));
  std::byte value[6];  // version 0, coordinator epoch
  store_be(value, std::int16_t{0});
  store_be(value + 2, marker.coordinator_epoch);
  builder.add(now_ms, as_text(key), as_text(value));
  return builder.finish();
}

}  // namespace

bool Partition::in_transaction(ProducerId producer, ProducerEpoch epoch) const {
  const auto& entries = log_->producers().entries();
  const auto at = entries.find(producer.value);
  return at != entries.end() && at->second.epoch == epoch &&
         at->second.transaction_first != Offset::kNone;
}

bool Partition::admit(const record::BatchHeader& header, std::uint64_t guard,
                      AppendOutcome& out) const {
  const bool first =
      header.transactional() && !in_transaction(header.producer_id, header.producer_epoch);
  // What comes behind a first batch that still waits is judged when that one is through.
  if (first && guard == 0 && verifications_.under_way(header.producer_id)) {
    out.unverified = true;
    return false;
  }
  const log::SequenceCheck check = log_->producers().check(header);
  switch (check.verdict) {
    case log::SequenceVerdict::kAppend:
      break;
    case log::SequenceVerdict::kDuplicate:
      out.base_offset = check.duplicate_base_offset;
      out.end = check.duplicate_last_offset + 1;
      return false;
    case log::SequenceVerdict::kOutOfOrder:
      out.error = ErrorCode::kOutOfOrderSequenceNumber;
      out.text = "Out of order sequence number for producer " +
                 std::to_string(header.producer_id.value) + ": " +
                 std::to_string(header.base_sequence) + " (incoming base sequence)";
      return false;
    case log::SequenceVerdict::kFenced:
      out.error = ErrorCode::kInvalidProducerEpoch;
      out.text = "Epoch of producer " + std::to_string(header.producer_id.value) + " is " +
                 std::to_string(header.producer_epoch.value) +
                 ", which is smaller than the last seen epoch";
      return false;
  }
  return admit_transaction(header, guard, out);
}

bool Partition::admit_transaction(const record::BatchHeader& header, std::uint64_t guard,
                                  AppendOutcome& out) const {
  const ProducerId producer = header.producer_id;
  const auto& entries = log_->producers().entries();
  const auto entry = entries.find(producer.value);
  const bool open = entry != entries.end() && entry->second.transaction_first != Offset::kNone;
  if (!header.transactional()) {
    if (!open) return true;
    out.error = ErrorCode::kInvalidTxnState;
    out.text = "Expected transactional write from producer " + std::to_string(producer.value);
    return false;
  }
  if (open && entry->second.epoch == header.producer_epoch) return true;
  if (guard == 0) {
    out.unverified = true;
    return false;
  }
  if (!verifications_.good(producer, guard)) {
    out.error = ErrorCode::kInvalidTxnState;
    out.text = "Record was not part of an ongoing transaction";
    return false;
  }
  if (verifications_.adds(producer) && header.base_sequence > 0 &&
      (entry == entries.end() || entry->second.batches.empty())) {
    out.error = ErrorCode::kOutOfOrderSequenceNumber;
    out.text = "Invalid sequence number for producer " + std::to_string(producer.value) +
               " without a state: " + std::to_string(header.base_sequence) + ", expected 0";
    return false;
  }
  return true;
}

AppendOutcome Partition::append_marker(const TransactionMarker& marker) {
  AppendOutcome out;
  out.log_start = state_.log_start;
  if (auto refused = owner_.broker().refusal()) {
    out.error = ErrorCode::kStorageError;
    out.text = std::move(refused->text);
    return out;
  }
  const auto& entries = log_->producers().entries();
  std::int32_t coordinator_epoch_max = marker.coordinator_epoch_max;
  if (const auto entry = entries.find(marker.producer_id.value); entry != entries.end()) {
    coordinator_epoch_max = std::max(coordinator_epoch_max, entry->second.coordinator_epoch);
    if (marker_is_late(entry->second, marker)) {
      out.error = ErrorCode::kInvalidProducerEpoch;
      return out;
    }
    if (marker.coordinator_epoch < entry->second.coordinator_epoch) {
      out.error = ErrorCode::kTransactionCoordinatorFenced;
      return out;
    }
  }
  if (marker.coordinator_epoch > coordinator_epoch_max) {
    out.error = ErrorCode::kInvalidRequest;
    return out;
  }
  std::vector<std::byte> batch = marker_batch(marker, owner_.broker().clock().wall_ms());
  append_admitted(batch, out);
  if (out.error == ErrorCode::kNone) {
    verifications_.marker_written(marker.producer_id, marker.producer_epoch,
                                  marker.transaction_version >= 2);
  }
  return out;
}

}  // namespace penstock::broker
