#include "broker/metadata/topic_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <set>
#include <vector>

namespace penstock::broker {

namespace {

using log::CleanupPolicy;

constexpr std::int64_t kLongMax = std::numeric_limits<std::int64_t>::max();

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

template <class T>
Status read_number(std::string_view text, T low, T high, T& out) {
  text = trimmed(text);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    return fail(Errc::kInvalid,
                std::string("Not a number of type ") +
                    (high <= std::numeric_limits<std::int32_t>::max() ? "INT" : "LONG"));
  }
  if (value < low) return fail(Errc::kInvalid, "Value must be at least " + std::to_string(low));
  if (value > high)
    return fail(Errc::kInvalid, "Value must be no more than " + std::to_string(high));
  out = value;
  return {};
}

/// A setting that is one number, in the log's part of the settings or in the topic's own.
template <auto Field, std::int64_t Low, std::int64_t High>
Status set_log(TopicSettings& s, std::string_view v) {
  using T = std::remove_reference_t<decltype(s.log.*Field)>;
  return read_number<T>(v, static_cast<T>(Low), static_cast<T>(High), s.log.*Field);
}
template <auto Field>
std::string get_log(const TopicSettings& s) {
  return std::to_string(s.log.*Field);
}
template <auto Field, std::int64_t Low, std::int64_t High>
Status set_own(TopicSettings& s, std::string_view v) {
  using T = std::remove_reference_t<decltype(s.*Field)>;
  return read_number<T>(v, static_cast<T>(Low), static_cast<T>(High), s.*Field);
}
template <auto Field>
std::string get_own(const TopicSettings& s) {
  return std::to_string(s.*Field);
}

Status set_cleanup_policy(TopicSettings& s, std::string_view v) {
  std::set<std::string_view> parts;
  for (std::size_t at = 0; at <= v.size();) {
    const std::size_t comma = std::min(v.find(',', at), v.size());
    parts.insert(trimmed(v.substr(at, comma - at)));
    at = comma + 1;
  }
  const bool compact = parts.erase("compact") != 0;
  const bool removes = parts.erase("delete") != 0;
  if (!parts.empty()) return fail(Errc::kInvalid, "String must be one of: compact, delete");
  s.log.cleanup_policy =
      compact ? (removes ? CleanupPolicy::kCompactAndDelete : CleanupPolicy::kCompact)
              : CleanupPolicy::kDelete;
  return {};
}
std::string get_cleanup_policy(const TopicSettings& s) {
  switch (s.log.cleanup_policy) {
    case CleanupPolicy::kCompact:
      return "compact";
    case CleanupPolicy::kCompactAndDelete:
      return "compact,delete";
    case CleanupPolicy::kDelete:
      break;
  }
  return "delete";
}

Status set_compression(TopicSettings&, std::string_view v) {
  if (v == "producer") return {};
  return fail(
      Errc::kInvalid,
      "This broker stores what producers send and never recompresses: only 'producer' is possible");
}
std::string get_compression(const TopicSettings&) { return "producer"; }

Status set_flush_messages(TopicSettings& s, std::string_view v) {
  std::int64_t messages = 0;
  PENSTOCK_RETURN_IF_ERROR(read_number<std::int64_t>(v, 1, kLongMax, messages));
  if (messages != 1 && messages != kLongMax) {
    return fail(Errc::kInvalid, "Value must be 1 (acknowledge after fdatasync) or " +
                                    std::to_string(kLongMax) +
                                    " (leave it to the operating system)");
  }
  s.flush = messages == 1 ? FlushMode::kAck : FlushMode::kOs;
  return {};
}
std::string get_flush_messages(const TopicSettings& s) {
  return s.flush == FlushMode::kAck ? "1" : std::to_string(kLongMax);
}

Status set_dirty_ratio(TopicSettings& s, std::string_view v) {
  v = trimmed(v);
  double ratio = 0;
  const auto [end, error] = std::from_chars(v.data(), v.data() + v.size(), ratio);
  if (error != std::errc() || end != v.data() + v.size() || v.empty())
    return fail(Errc::kInvalid, "Not a number of type DOUBLE");
  if (!(ratio >= 0 && ratio <= 1)) return fail(Errc::kInvalid, "Value must be from 0 to 1");
  s.log.min_cleanable_dirty_ratio = ratio;
  return {};
}
std::string get_dirty_ratio(const TopicSettings& s) {
  char text[32];
  const auto [end, error] =
      std::to_chars(text, text + sizeof text, s.log.min_cleanable_dirty_ratio);
  return error == std::errc() ? std::string(text, end) : std::string();
}

Status set_timestamp_type(TopicSettings& s, std::string_view v) {
  if (v == "CreateTime")
    s.timestamp_type = record::TimestampType::kCreate;
  else if (v == "LogAppendTime")
    s.timestamp_type = record::TimestampType::kLogAppend;
  else
    return fail(Errc::kInvalid, "String must be one of: CreateTime, LogAppendTime");
  return {};
}
std::string get_timestamp_type(const TopicSettings& s) {
  return s.timestamp_type == record::TimestampType::kCreate ? "CreateTime" : "LogAppendTime";
}

constexpr std::int64_t kIntMax = std::numeric_limits<std::int32_t>::max();

#define LOG_NUMBER(field, low, high) \
  set_log<&log::LogConfig::field, low, high>, get_log<&log::LogConfig::field>
#define OWN_NUMBER(field, low, high) \
  set_own<&TopicSettings::field, low, high>, get_own<&TopicSettings::field>

constexpr std::array kDefs = {
    TopicConfigDef{"cleanup.policy", "log.cleanup.policy", ConfigType::kList,
                   "What happens to old segments: delete by time and size, or compact, which keeps "
                   "the last record of each key and never deletes by "
                   "time or size.",
                   set_cleanup_policy, get_cleanup_policy},
    TopicConfigDef{"compression.type", "compression.type", ConfigType::kString,
                   "Records are stored as the producer compressed them.", set_compression,
                   get_compression},
    TopicConfigDef{"delete.retention.ms", "log.cleaner.delete.retention.ms", ConfigType::kLong,
                   "How long compaction keeps tombstones after it has removed what they cover.",
                   LOG_NUMBER(delete_retention_ms, 0, kLongMax)},
    TopicConfigDef{"file.delete.delay.ms", "log.segment.delete.delay.ms", ConfigType::kLong,
                   "Time from removing a file from the log to unlinking it.",
                   LOG_NUMBER(file_delete_delay_ms, 0, kLongMax)},
    TopicConfigDef{"flush.messages", "log.flush.interval.messages", ConfigType::kLong,
                   "1: records are acknowledged after fdatasync. The largest number, the default: "
                   "after the write to the page cache.",
                   set_flush_messages, get_flush_messages},
    TopicConfigDef{"index.interval.bytes", "log.index.interval.bytes", ConfigType::kInt,
                   "Bytes of log for each entry in the offset index.",
                   LOG_NUMBER(index_interval_bytes, 0, kIntMax)},
    TopicConfigDef{
        "max.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms", ConfigType::kLong,
        "Age of a record from which on its partition is compacted, however little is dirty.",
        LOG_NUMBER(max_compaction_lag_ms, 1, kLongMax)},
    TopicConfigDef{"max.message.bytes", "message.max.bytes", ConfigType::kInt,
                   "Largest record batch, compressed, that is taken.",
                   OWN_NUMBER(max_message_bytes, 0, kIntMax)},
    TopicConfigDef{"message.timestamp.after.max.ms", "log.message.timestamp.after.max.ms",
                   ConfigType::kLong,
                   "How far a record's timestamp may lie ahead of the broker's clock.",
                   OWN_NUMBER(timestamp_after_max_ms, 0, kLongMax)},
    TopicConfigDef{"message.timestamp.before.max.ms", "log.message.timestamp.before.max.ms",
                   ConfigType::kLong,
                   "How far a record's timestamp may lie behind the broker's clock.",
                   OWN_NUMBER(timestamp_before_max_ms, 0, kLongMax)},
    TopicConfigDef{"message.timestamp.type", "log.message.timestamp.type", ConfigType::kString,
                   "CreateTime: the producer's timestamps; LogAppendTime: the broker's.",
                   set_timestamp_type, get_timestamp_type},
    TopicConfigDef{"min.cleanable.dirty.ratio", "log.cleaner.min.cleanable.ratio",
                   ConfigType::kDouble,
                   "Share of a partition's bytes that is dirty before it is compacted.",
                   set_dirty_ratio, get_dirty_ratio},
    TopicConfigDef{"min.compaction.lag.ms", "log.cleaner.min.compaction.lag.ms", ConfigType::kLong,
                   "How long a record is safe from compaction.",
                   LOG_NUMBER(min_compaction_lag_ms, 0, kLongMax)},
    TopicConfigDef{"min.insync.replicas", "min.insync.replicas", ConfigType::kInt,
                   "Replicas that must have a record before acks=all is answered; beyond the "
                   "number of brokers no such produce succeeds.",
                   OWN_NUMBER(min_insync_replicas, 1, kIntMax)},
    TopicConfigDef{
        "retention.bytes", "log.retention.bytes", ConfigType::kLong,
        "Size of a partition from which on the oldest segments are deleted; -1: no limit.",
        LOG_NUMBER(retention_bytes, -1, kLongMax)},
    TopicConfigDef{"retention.ms", "log.retention.ms", ConfigType::kLong,
                   "Age from which on segments are deleted; -1: never.",
                   LOG_NUMBER(retention_ms, -1, kLongMax)},
    TopicConfigDef{"segment.bytes", "log.segment.bytes", ConfigType::kInt,
                   "Size of a segment file.", LOG_NUMBER(segment_bytes, 14, kIntMax)},
    TopicConfigDef{"segment.index.bytes", "log.index.size.max.bytes", ConfigType::kInt,
                   "Size of an index file; a full one makes the segment roll.",
                   LOG_NUMBER(segment_index_bytes, 4, kIntMax)},
    TopicConfigDef{"segment.ms", "log.roll.ms", ConfigType::kLong,
                   "Age from which on a segment that is not full is rolled.",
                   LOG_NUMBER(segment_ms, 1, kLongMax)},
};
#undef LOG_NUMBER
#undef OWN_NUMBER
static_assert(std::is_sorted(kDefs.begin(), kDefs.end(),
                             [](const auto& a, const auto& b) { return a.name < b.name; }));

}  // namespace

std::span<const TopicConfigDef> topic_config_defs() { return kDefs; }

const TopicConfigDef* find_topic_config(std::string_view name) {
  const auto* at =
      std::lower_bound(kDefs.begin(), kDefs.end(), name,
                       [](const auto& def, std::string_view wanted) { return def.name < wanted; });
  return at != kDefs.end() && at->name == name ? at : nullptr;
}

Result<TopicSettings> with_overrides(const TopicSettings& defaults,
                                     const std::map<std::string, std::string>& overrides) {
  TopicSettings out = defaults;
  for (const auto& [name, value] : overrides) {
    const TopicConfigDef* def = find_topic_config(name);
    if (def == nullptr) return fail(Errc::kInvalid, "Unknown topic config name: " + name);
    if (auto set = def->set(out, value); !set) {
      return fail(Errc::kInvalid, "Invalid value " + value + " for configuration " + name + ": " +
                                      set.error().text);
    }
  }
  if (out.log.max_compaction_lag_ms < out.log.min_compaction_lag_ms) {
    return fail(Errc::kInvalid, "conflict topic config setting min.compaction.lag.ms (" +
                                    std::to_string(out.log.min_compaction_lag_ms) +
                                    ") > max.compaction.lag.ms (" +
                                    std::to_string(out.log.max_compaction_lag_ms) + ")");
  }
  return out;
}

}  // namespace penstock::broker
