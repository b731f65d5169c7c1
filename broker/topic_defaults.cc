#include "broker/topic_defaults.h"

#include <limits>

#include "broker/metadata/topic_config.h"
#include "framework/base/assert.h"

namespace penstock::broker {

TopicSettings topic_defaults(const config::Settings& given) {
  constexpr std::int64_t kHour = 3'600'000;
  constexpr std::int64_t kLongMax = std::numeric_limits<std::int64_t>::max();
  TopicSettings out;
  out.max_message_bytes = static_cast<std::int32_t>(given.number("message.max.bytes"));
  out.min_insync_replicas = static_cast<std::int32_t>(given.number("min.insync.replicas"));
  out.timestamp_type = given.text("log.message.timestamp.type") == "LogAppendTime"
                           ? record::TimestampType::kLogAppend
                           : record::TimestampType::kCreate;
  out.timestamp_before_max_ms = given.number("log.message.timestamp.before.max.ms");
  out.timestamp_after_max_ms = given.number("log.message.timestamp.after.max.ms");
  out.flush_messages = given.number("log.flush.interval.messages");
  if (given.text("penstock.flush") == "ack" && out.flush_messages == kLongMax)
    out.flush_messages = 1;
  out.flush = out.flush_messages == kLongMax ? FlushMode::kOs : FlushMode::kAck;
  out.flush_ms = given.number("log.flush.interval.ms");
  const Status codec =
      find_topic_config("compression.type")->set(out, given.text("compression.type"));
  PENSTOCK_ASSERT(codec);  // the definition names the same codecs
  out.unclean_leader_election = given.flag("unclean.leader.election.enable");
  out.check_compressed = given.flag("penstock.check.compressed");
  out.log.segment_bytes = given.number("log.segment.bytes");
  out.log.segment_ms = given.given("log.roll.ms") ? given.number("log.roll.ms")
                                                  : given.number("log.roll.hours") * kHour;
  out.log.segment_jitter_ms = given.given("log.roll.jitter.ms")
                                  ? given.number("log.roll.jitter.ms")
                                  : given.number("log.roll.jitter.hours") * kHour;
  out.log.segment_index_bytes = given.number("log.index.size.max.bytes");
  out.log.index_interval_bytes =
      static_cast<std::int32_t>(given.number("log.index.interval.bytes"));
  const auto scaled = [&](std::string_view key, std::int64_t unit) {
    return given.number(key) < 0 ? -1 : given.number(key) * unit;
  };
  out.log.retention_ms = given.given("log.retention.ms") ? given.number("log.retention.ms")
                         : given.given("log.retention.minutes")
                             ? scaled("log.retention.minutes", kHour / 60)
                             : scaled("log.retention.hours", kHour);
  out.log.retention_bytes = given.number("log.retention.bytes");
  out.log.file_delete_delay_ms = given.number("log.segment.delete.delay.ms");
  out.log.producer_id_expiration_ms = given.number("producer.id.expiration.ms");
  bool compact = false;
  bool remove = false;
  for (const std::string_view policy : given.list("log.cleanup.policy"))
    (policy == "compact" ? compact : remove) = true;
  out.log.cleanup_policy = compact && remove ? log::CleanupPolicy::kCompactAndDelete
                           : compact         ? log::CleanupPolicy::kCompact
                                             : log::CleanupPolicy::kDelete;
  out.log.delete_retention_ms = given.number("log.cleaner.delete.retention.ms");
  out.log.min_compaction_lag_ms = given.number("log.cleaner.min.compaction.lag.ms");
  out.log.max_compaction_lag_ms = given.number("log.cleaner.max.compaction.lag.ms");
  out.log.min_cleanable_dirty_ratio = given.real("log.cleaner.min.cleanable.ratio");
  return out;
}

}  // namespace penstock::broker
