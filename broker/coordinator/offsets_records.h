#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "broker/coordinator/group.h"
#include "framework/base/error.h"

// Keys and values of __consumer_offsets, as Kafka writes them: offset keys v1 (v0 is read), group
// keys v2; values v3 (v0 to v4 are read, though not the topic id that v4 may carry). Those of the
// consumer protocol are in consumer_records.h.
namespace penstock::broker {

struct OffsetRecordKey {
  std::string group;
  TopicPartition partition;
};
struct GroupRecordKey {
  std::string group;
};
/// A key of a kind that this broker does not write (share and streams groups).
struct OtherRecordKey {
  std::int16_t version = 0;
};
using RecordKey = std::variant<OffsetRecordKey, GroupRecordKey, ConsumerRecordKey, OtherRecordKey>;

[[nodiscard]] std::string encode_key(const OffsetRecordKey& key);
[[nodiscard]] std::string encode_key(const GroupRecordKey& key);
/// kCorrupt when it is not a key.
[[nodiscard]] Result<RecordKey> decode_key(std::string_view bytes);

[[nodiscard]] std::string encode_value(const CommittedOffset& offset);
[[nodiscard]] Result<CommittedOffset> decode_offset(std::string_view bytes);

/// What is kept of a group; `assignments` replace those of the members when given.
[[nodiscard]] std::string encode_value(const Group& group,
                                       const std::map<std::string, std::string>* assignments,
                                       std::int64_t state_since_ms);
/// The group as it was: kStable with its members, kPreparingRebalance if they have no leader, or
/// kEmpty. Deadlines are for the caller to set.
[[nodiscard]] Result<Group> decode_group(std::string_view id, std::string_view bytes);

}  // namespace penstock::broker
