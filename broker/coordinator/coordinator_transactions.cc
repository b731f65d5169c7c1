#include <spdlog/spdlog.h>

#include "broker/broker.h"
#include "broker/coordinator/consumer_records.h"
#include "broker/coordinator/coordinator.h"
#include "broker/coordinator/offsets_records.h"
#include "framework/record/batch.h"

// What the group coordinator has to do with transactions, and how it reads its log.
namespace penstock::broker {

void GroupCoordinator::transaction_ended(const PartitionRef& partition, ProducerId producer,
                                         bool commit) {
  const std::int32_t index = partition->index.value;
  const auto slot = slots_.find(index);
  if (slot == slots_.end() || slot->second.partition->topic_id != partition->topic_id) return;
  const auto groups = slot->second.in_transaction.extract(producer.value);
  if (groups.empty()) return;
  for (const std::string& id : groups.mapped())
    feed(index, id, TransactionEndedEvent{producer.value, commit});
}

Status GroupCoordinator::replay_record(Slot& slot, const record::BatchHeader& header,
                                       const record::RecordView& record) {
  const Result<RecordKey> key =
      record.key ? decode_key(*record.key) : fail(Errc::kCorrupt, "record without a key");
  if (!key) {
    // It can be no group's, so none loses anything; to give up here would take all the others away.
    // A value that cannot be read is another matter: its group would go on from an older one.
    spdlog::error("{}-{}: the record at offset {} is left out: {}", kConsumerOffsetsTopic,
                  slot.partition->index.value, record.offset.value, key.error().text);
    return {};
  }
  if (const auto* offset = std::get_if<OffsetRecordKey>(&*key)) {
    Group& group = slot.groups[offset->group].group;
    if (!record.value) {
      remove_offset(group, offset->partition, group.next_store);
      return {};
    }
    PENSTOCK_ASSIGN_OR_RETURN(CommittedOffset committed, decode_offset(*record.value));
    committed.order = group.next_store++;
    if (header.transactional()) {
      slot.in_transaction[header.producer_id.value].insert(offset->group);
      group.transactional[header.producer_id.value][offset->partition] = std::move(committed);
    } else {
      group.offsets[offset->partition] = std::move(committed);
    }
  } else if (const auto* of = std::get_if<GroupRecordKey>(&*key)) {
    Group& group = slot.groups[of->group].group;
    Group read;
    if (record.value) {
      PENSTOCK_ASSIGN_OR_RETURN(read, decode_group(of->group, *record.value));
    }
    read.offsets = std::move(group.offsets);
    read.transactional = std::move(group.transactional);
    read.next_store = group.next_store;
    read.consumer = std::move(group.consumer);
    group = std::move(read);
  } else if (const auto* part = std::get_if<ConsumerRecordKey>(&*key)) {
    return apply_consumer_record(slot.groups[part->group].group, *part, record.value);
  }
  return {};
}

Status GroupCoordinator::replay_marker(Slot& slot, const record::BatchView& batch) {
  PENSTOCK_ASSIGN_OR_RETURN(const auto marker, record::read_marker(batch));
  if (!marker) return {};
  const std::int64_t producer = batch.header().producer_id.value;
  const auto groups = slot.in_transaction.extract(producer);
  if (groups.empty()) return {};
  for (const std::string& id : groups.mapped()) {
    const auto at = slot.groups.find(id);
    if (at != slot.groups.end()) end_transaction(at->second.group, producer, marker->type == 1);
  }
  return {};
}

}  // namespace penstock::broker
