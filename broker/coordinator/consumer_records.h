#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/coordinator/group.h"
#include "broker/coordinator/group_step.h"
#include "framework/base/bytes.h"
#include "framework/base/error.h"

// The records of a group of the consumer protocol in __consumer_offsets, as Kafka 4.3 writes them:
// keys 3 and 5 to 8 and 16, values v0. Key 4 (partition metadata, before 4.1) is read over.
namespace penstock::broker {

[[nodiscard]] bool is_consumer_record(std::int16_t key_version);
[[nodiscard]] std::string encode_key(const ConsumerRecordKey& key);
/// `bytes` begin behind the version. kCorrupt when it is not a key.
[[nodiscard]] Result<ConsumerRecordKey> decode_consumer_key(ConsumerRecord kind, ByteView bytes);

/// The record of one part of the group as it is now: a tombstone when the part is not there.
[[nodiscard]] Store::Record consumer_record(const Group& group, const ConsumerRecordKey& key);
/// The keys of all parts of the group.
[[nodiscard]] std::vector<ConsumerRecordKey> consumer_keys(const Group& group);
/// Does to the group what the record says.
Status apply_consumer_record(Group& group, const ConsumerRecordKey& key,
                             std::optional<std::string_view> value);

}  // namespace penstock::broker
