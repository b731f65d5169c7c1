#include "broker/metadata/topic_config.h"

#include <algorithm>
#include <array>
#include <cctype>
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

struct CodecName {
  std::string_view name;
  std::optional<record::Codec> codec;
};
constexpr std::array kCodecs = {
    CodecName{"uncompressed", record::Codec::kNone}, CodecName{"zstd", record::Codec::kZstd},
    CodecName{"lz4", record::Codec::kLz4},           CodecName{"snappy", record::Codec::kSnappy},
    CodecName{"gzip", record::Codec::kGzip},         CodecName{"producer", std::nullopt},
};
Status set_compression(TopicSettings& s, std::string_view v) {
  for (const CodecName& each : kCodecs) {
    if (each.name != v) continue;
    s.compression = each.codec;
    return {};
  }
  return fail(Errc::kInvalid,
              "String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer");
}
std::string get_compression(const TopicSettings& s) {
  for (const CodecName& each : kCodecs) {
    if (each.codec == s.compression) return std::string(each.name);
  }
  return "producer";
}

/// The disk is waited for after each message or not at all; to wait more often than asked is safe.
Status set_flush_messages(TopicSettings& s, std::string_view v) {
  PENSTOCK_RETURN_IF_ERROR(read_number<std::int64_t>(v, 1, kLongMax, s.flush_messages));
  s.flush = s.flush_messages == kLongMax ? FlushMode::kOs : FlushMode::kAck;
  return {};
}

Status read_flag(std::string_view text, bool& out) {
  std::string lower(trimmed(text));
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (lower != "true" && lower != "false")
    return fail(Errc::kInvalid, "Expected value to be either true or false");
  out = lower == "true";
  return {};
}
Status set_unclean(TopicSettings& s, std::string_view v) {
  return read_flag(v, s.unclean_leader_election);
}
std::string get_unclean(const TopicSettings& s) {
  return s.unclean_leader_election ? "true" : "false";
}

/// Settings with one possible value: Kafka's default, which says what is so here.
constexpr char kFalse[] = "false";
constexpr char kNothing[] = "";
constexpr char kLocalAll[] = "-2";
constexpr char kGzipLevel[] = "-1";
constexpr char kLz4Level[] = "9";
constexpr char kZstdLevel[] = "3";
constexpr char kNoPreallocation[] =
    "Segments are not preallocated as a whole by this broker: only 'false' is possible";
constexpr char kNoTiers[] =
    "Tiered Storage functionality is disabled in the broker: only 'false' is possible";
constexpr char kNoLocalTier[] = "There is no tiered storage: only '-2' is possible";
constexpr char kNoFollowers[] =
    "There are no followers to throttle: nothing else than '' is possible";
constexpr char kOneLevel[] = "Each codec has one level here: only Kafka's default is possible";
template <const auto& Why>
Status set_false(TopicSettings&, std::string_view v) {
  bool value = false;
  PENSTOCK_RETURN_IF_ERROR(read_flag(v, value));
  return value ? fail(Errc::kInvalid, Why) : Status();
}
template <const auto& Only, const auto& Why>
Status set_only(TopicSettings&, std::string_view v) {
  return trimmed(v) == Only ? Status() : fail(Errc::kInvalid, Why);
}
template <const auto& Only>
std::string get_only(const TopicSettings&) {
  return Only;
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
    TopicConfigDef{"compression.gzip.level", "compression.gzip.level", ConfigType::kInt,
                   "What the broker itself compresses has the codec's usual level.",
                   set_only<kGzipLevel, kOneLevel>, get_only<kGzipLevel>, true},
    TopicConfigDef{"compression.lz4.level", "compression.lz4.level", ConfigType::kInt,
                   "What the broker itself compresses has the codec's usual level.",
                   set_only<kLz4Level, kOneLevel>, get_only<kLz4Level>, true},
    TopicConfigDef{"compression.type", "compression.type", ConfigType::kString,
                   "producer: batches are stored as they came. Else those that came otherwise are "
                   "recompressed, or not compressed at all, before they are stored.",
                   set_compression, get_compression},
    TopicConfigDef{"compression.zstd.level", "compression.zstd.level", ConfigType::kInt,
                   "What the broker itself compresses has the codec's usual level.",
                   set_only<kZstdLevel, kOneLevel>, get_only<kZstdLevel>, true},
    TopicConfigDef{"delete.retention.ms", "log.cleaner.delete.retention.ms", ConfigType::kLong,
                   "How long compaction keeps tombstones after it has removed what they cover.",
                   LOG_NUMBER(delete_retention_ms, 0, kLongMax)},
    TopicConfigDef{"file.delete.delay.ms", "log.segment.delete.delay.ms", ConfigType::kLong,
                   "Time from removing a file from the log to unlinking it.",
                   LOG_NUMBER(file_delete_delay_ms, 0, kLongMax)},
    TopicConfigDef{"flush.messages", "log.flush.interval.messages", ConfigType::kLong,
                   "The largest number, the default: records are acknowledged after the write to "
                   "the page cache. Anything less: after fdatasync, each of them.",
                   set_flush_messages, get_own<&TopicSettings::flush_messages>},
    TopicConfigDef{"flush.ms", "log.flush.interval.ms", ConfigType::kLong,
                   "Longest time from the write to fdatasync. All logs are synced every "
                   "log.flush.offset.checkpoint.interval.ms.",
                   OWN_NUMBER(flush_ms, 0, kLongMax)},
    TopicConfigDef{"follower.replication.throttled.replicas", "", ConfigType::kList,
                   "There are no followers.", set_only<kNothing, kNoFollowers>, get_only<kNothing>,
                   true},
    TopicConfigDef{"index.interval.bytes", "log.index.interval.bytes", ConfigType::kInt,
                   "Bytes of log for each entry in the offset index.",
                   LOG_NUMBER(index_interval_bytes, 0, kIntMax)},
    TopicConfigDef{"leader.replication.throttled.replicas", "", ConfigType::kList,
                   "There are no followers.", set_only<kNothing, kNoFollowers>, get_only<kNothing>,
                   true},
    TopicConfigDef{"local.retention.bytes", "log.local.retention.bytes", ConfigType::kLong,
                   "There is no tiered storage.", set_only<kLocalAll, kNoLocalTier>,
                   get_only<kLocalAll>, true},
    TopicConfigDef{"local.retention.ms", "log.local.retention.ms", ConfigType::kLong,
                   "There is no tiered storage.", set_only<kLocalAll, kNoLocalTier>,
                   get_only<kLocalAll>, true},
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
                   "Replicas that must have a record before acks=all is answered; the one replica "
                   "of a partition is enough, whatever the value.",
                   OWN_NUMBER(min_insync_replicas, 1, kIntMax)},
    TopicConfigDef{"preallocate", "log.preallocate", ConfigType::kBoolean,
                   "Disk blocks are reserved some ahead of the writes, never a whole segment.",
                   set_false<kNoPreallocation>, get_only<kFalse>, true},
    TopicConfigDef{"remote.log.copy.disable", "", ConfigType::kBoolean,
                   "There is no tiered storage.", set_false<kNoTiers>, get_only<kFalse>, true},
    TopicConfigDef{"remote.log.delete.on.disable", "", ConfigType::kBoolean,
                   "There is no tiered storage.", set_false<kNoTiers>, get_only<kFalse>, true},
    TopicConfigDef{"remote.storage.enable", "remote.log.storage.system.enable",
                   ConfigType::kBoolean, "There is no tiered storage.", set_false<kNoTiers>,
                   get_only<kFalse>, true},
    TopicConfigDef{
        "retention.bytes", "log.retention.bytes", ConfigType::kLong,
        "Size of a partition from which on the oldest segments are deleted; -1: no limit.",
        LOG_NUMBER(retention_bytes, -1, kLongMax)},
    TopicConfigDef{"retention.ms", "log.retention.ms", ConfigType::kLong,
                   "Age from which on segments are deleted; -1: never.",
                   LOG_NUMBER(retention_ms, -1, kLongMax)},
    TopicConfigDef{"segment.bytes", "log.segment.bytes", ConfigType::kInt,
                   "Size of a segment file.", LOG_NUMBER(segment_bytes, 1048576, kIntMax)},
    TopicConfigDef{"segment.index.bytes", "log.index.size.max.bytes", ConfigType::kInt,
                   "Size of an index file; a full one makes the segment roll.",
                   LOG_NUMBER(segment_index_bytes, 4, kIntMax)},
    TopicConfigDef{
        "segment.jitter.ms", "log.roll.jitter.ms", ConfigType::kLong,
        "How much earlier than segment.ms a segment may be rolled, each at its own time.",
        LOG_NUMBER(segment_jitter_ms, 0, kLongMax)},
    TopicConfigDef{"segment.ms", "log.roll.ms", ConfigType::kLong,
                   "Age from which on a segment that is not full is rolled.",
                   LOG_NUMBER(segment_ms, 1, kLongMax)},
    TopicConfigDef{
        "unclean.leader.election.enable", "unclean.leader.election.enable", ConfigType::kBoolean,
        "Kept, and without effect: the only replica is always in sync.", set_unclean, get_unclean},
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

Status check_together(const TopicSettings& settings) {
  if (settings.log.max_compaction_lag_ms < settings.log.min_compaction_lag_ms) {
    return fail(Errc::kInvalid, "conflict topic config setting min.compaction.lag.ms (" +
                                    std::to_string(settings.log.min_compaction_lag_ms) +
                                    ") > max.compaction.lag.ms (" +
                                    std::to_string(settings.log.max_compaction_lag_ms) + ")");
  }
  return {};
}

Result<TopicSettings> with_overrides(const TopicSettings& defaults,
                                     const std::map<std::string, std::string>& overrides) {
  TopicSettings out = defaults;
  for (const auto& [name, value] : overrides) {
    const TopicConfigDef* def = find_topic_config(name);
    if (def == nullptr) {
      return fail(Errc::kInvalid, "Unknown topic config name: " + name);
    }
    if (auto set = def->set(out, value); !set) {
      return fail(Errc::kInvalid, "Invalid value " + value + " for configuration " + name + ": " +
                                      set.error().text);
    }
  }
  PENSTOCK_RETURN_IF_ERROR(check_together(out));
  return out;
}

}  // namespace penstock::broker
