#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "broker/settings.h"
#include "framework/config/definition.h"

// Keeps docs/broker-settings.md and the code that honours the settings in step with their
// definitions.
namespace penstock::broker {
namespace {

const std::filesystem::path kRoot = PENSTOCK_ROOT;

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string page() {
  std::string out =
      "# Settings of the broker\n\n"
      "Lines of `broker.properties`, or `--override KEY=VALUE`. Made from the definitions in "
      "`broker/settings.cc` and\n"
      "`broker/coordinator/coordinator_settings.cc`: `PENSTOCK_WRITE_PAGES=1` in the environment "
      "of `broker_unit_test` writes it anew.\n\n"
      "| setting | type | default | meaning |\n|---|---|---|---|\n";
  for (const config::Key& key : setting_keys()) {
    std::string meaning = key.doc;
    if (!key.one_of.empty()) {
      meaning += " One of ";
      for (const char c : key.one_of) meaning += c == '|' ? std::string(", ") : std::string(1, c);
      meaning += '.';
    }
    std::string type(to_string(key.kind));
    for (char& c : type) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const std::string fallback = key.fallback.value_or("").empty() ? "" : "`" + *key.fallback + "`";
    out += "| `" + key.name + "` | " + type + " | " + fallback + " | " + meaning + " |\n";
  }
  return out;
}

TEST(SettingsPage, SaysWhatTheCodeSays) {
  const auto path = kRoot / "docs/broker-settings.md";
  if (std::getenv("PENSTOCK_WRITE_PAGES") != nullptr)
    std::ofstream(path, std::ios::binary) << page();
  EXPECT_TRUE(read(path) == page())
      << "write docs/broker-settings.md anew: PENSTOCK_WRITE_PAGES=1 broker_unit_test";
}

/// Where a setting becomes behaviour: a file that reads the field into which settings.cc puts it.
struct Reader {
  const char* field;
  const char* file;
};
const std::map<std::string, Reader> kReaders = {
    {"listeners", {"settings.listener", "broker/main.cc"}},
    {"advertised.listeners", {"advertised", "broker/"}},
    {"log.dirs", {"settings_.log_dir", "broker/broker.cc"}},
    {"log.dir", {"settings_.log_dir", "broker/broker.cc"}},
    {"node.id", {"settings_.node_id", "broker/broker.cc"}},
    {"broker.id", {"settings_.node_id", "broker/broker.cc"}},
    {"cluster.id", {"settings_.cluster_id", "broker/broker.cc"}},
    {"num.partitions", {".num_partitions", "broker/"}},
    {"auto.create.topics.enable", {".auto_create_topics", "broker/handlers/"}},
    {"delete.topic.enable", {".delete_topics", "broker/handlers/"}},
    {"max.request.partition.size.limit", {".described_partitions_max", "broker/handlers/"}},
    {"compression.type", {"settings.compression", "broker/batch_check.cc"}},
    {"log.roll.jitter.ms", {".segment_jitter_ms", "framework/log/"}},
    {"log.roll.jitter.hours", {".segment_jitter_ms", "framework/log/"}},
    {"log.flush.interval.messages", {"FlushMode::kAck", "broker/partition_state.h"}},
    {"log.flush.interval.ms", {"settings_.flush_ms", "broker/partition.cc"}},
    {"unclean.leader.election.enable",
     {"s.unclean_leader_election", "broker/metadata/topic_config.cc"}},
    {"message.max.bytes", {"settings.max_message_bytes", "broker/batch_check.cc"}},
    {"min.insync.replicas", {".min_insync_replicas", "broker/partition.cc"}},
    {"log.message.timestamp.type", {"settings.timestamp_type", "broker/batch_check.cc"}},
    {"log.message.timestamp.before.max.ms",
     {"settings.timestamp_before_max_ms", "broker/batch_check.cc"}},
    {"log.message.timestamp.after.max.ms",
     {"settings.timestamp_after_max_ms", "broker/batch_check.cc"}},
    {"log.segment.bytes", {"config_.segment_bytes", "framework/log/"}},
    {"log.roll.ms", {".segment_ms", "framework/log/"}},
    {"log.roll.hours", {".segment_ms", "framework/log/"}},
    {"log.index.interval.bytes", {".index_interval_bytes", "framework/log/"}},
    {"log.index.size.max.bytes", {".segment_index_bytes", "framework/log/"}},
    {"log.retention.ms", {".retention_ms", "framework/log/"}},
    {"log.retention.minutes", {".retention_ms", "framework/log/"}},
    {"log.retention.hours", {".retention_ms", "framework/log/"}},
    {"log.retention.bytes", {".retention_bytes", "framework/log/"}},
    {"log.retention.check.interval.ms", {".retention_check_ms", "broker/background.cc"}},
    {"log.segment.delete.delay.ms", {".file_delete_delay_ms", "framework/log/"}},
    {"log.cleanup.policy", {".cleanup_policy", "framework/log/"}},
    {"log.cleaner.delete.retention.ms", {"config_.delete_retention_ms", "framework/log/"}},
    {"log.cleaner.min.cleanable.ratio", {".min_cleanable_dirty_ratio", "broker/compactor.cc"}},
    {"log.cleaner.min.compaction.lag.ms", {"config_.min_compaction_lag_ms", "framework/log/"}},
    {"log.cleaner.max.compaction.lag.ms", {"config_.max_compaction_lag_ms", "framework/log/"}},
    {"log.cleaner.enable", {".cleaner.enabled", "broker/background.cc"}},
    {"log.cleaner.backoff.ms", {".cleaner.backoff_ms", "broker/compactor.cc"}},
    {"log.cleaner.dedupe.buffer.size", {".cleaner.map_bytes_max", "broker/compactor.cc"}},
    {"log.cleaner.io.max.bytes.per.second", {".cleaner.bytes_per_second", "broker/compactor.cc"}},
    {"log.flush.offset.checkpoint.interval.ms", {".checkpoint_ms", "broker/background.cc"}},
    {"producer.id.expiration.ms", {".producer_id_expiration_ms", "framework/log/"}},
    {"socket.request.max.bytes", {"settings.request_bytes_max", "broker/main.cc"}},
    {"queued.max.request.bytes", {"settings.queued_request_bytes_max", "broker/main.cc"}},
    {"broker.rack", {"settings().rack", "broker/handlers/metadata.cc"}},
    {"connections.max.idle.ms", {"settings.connection_idle_ms_max", "broker/main.cc"}},
    {"max.connections", {"settings.connections_max", "broker/main.cc"}},
    {"max.connections.per.ip", {"settings.connections_per_address_max", "broker/main.cc"}},
    {"fetch.max.bytes", {".fetch_bytes_max", "broker/"}},
    {"max.incremental.fetch.session.cache.slots", {".fetch_sessions_max", "broker/broker.cc"}},
    {"num.network.threads", {"settings_.shards", "broker/broker.cc"}},
    {"penstock.flush", {"FlushMode::kAck", "broker/partition_state.h"}},
    {"penstock.check.compressed", {"settings.check_compressed", "broker/batch_check.cc"}},
    {"penstock.scrub.bytes.per.second", {".scrub_bytes_per_second", "broker/background.cc"}},
    {"log.recovery.assume.power.cut", {"settings_.assume_power_cut", "broker/broker.cc"}},
    {"group.initial.rebalance.delay.ms", {".initial_rebalance_delay_ms", "broker/coordinator/"}},
    {"group.min.session.timeout.ms", {".session_timeout_min_ms", "broker/coordinator/"}},
    {"group.max.session.timeout.ms", {".session_timeout_max_ms", "broker/coordinator/"}},
    {"group.consumer.assignment.interval.ms",
     {"limits_.consumer_assignment_interval_ms", "broker/coordinator/"}},
    {"group.consumer.max.assignment.interval.ms",
     {"::consumer_assignment_interval_max_ms", "broker/coordinator/"}},
    {"group.consumer.min.assignment.interval.ms",
     {"::consumer_assignment_interval_min_ms", "broker/coordinator/"}},
    {"group.consumer.migration.policy", {"limits_.migration", "broker/coordinator/"}},
    {"group.consumer.assignors", {".assignors", "broker/coordinator/"}},
    {"group.consumer.heartbeat.interval.ms", {".consumer_heartbeat_ms", "broker/coordinator/"}},
    {"group.consumer.max.heartbeat.interval.ms",
     {"::consumer_heartbeat_max_ms", "broker/coordinator/"}},
    {"group.consumer.max.session.timeout.ms",
     {"::consumer_session_timeout_max_ms", "broker/coordinator/"}},
    {"group.consumer.min.heartbeat.interval.ms",
     {"::consumer_heartbeat_min_ms", "broker/coordinator/"}},
    {"group.consumer.min.session.timeout.ms",
     {"::consumer_session_timeout_min_ms", "broker/coordinator/"}},
    {"group.consumer.max.size", {".consumer_members_max", "broker/coordinator/"}},
    {"group.consumer.session.timeout.ms", {".consumer_session_timeout_ms", "broker/coordinator/"}},
    {"group.max.size", {".members_max", "broker/coordinator/"}},
    {"offset.metadata.max.bytes", {".offset_metadata_bytes_max", "broker/handlers/"}},
    {"offsets.retention.minutes", {".offsets_retention_ms", "broker/coordinator/"}},
    {"offsets.retention.check.interval.ms", {".retention_check_ms", "broker/coordinator/"}},
    {"offsets.topic.num.partitions", {".topic_partitions", "broker/"}},
    {"offsets.topic.segment.bytes", {".topic_segment_bytes", "broker/"}},
    {"transaction.abort.timed.out.transaction.cleanup.interval.ms",
     {"timeout_check_ms", "broker/coordinator/transaction_coordinator.cc"}},
    {"transaction.max.timeout.ms", {"timeout_ms_max", "broker/coordinator/transaction_step.cc"}},
    {"transaction.remove.expired.transaction.cleanup.interval.ms",
     {"expiry_check_ms", "broker/coordinator/transaction_coordinator.cc"}},
    {"transaction.state.log.num.partitions",
     {"topic_partitions", "broker/metadata/sqlite_topics.cc"}},
    {"transaction.state.log.segment.bytes",
     {"topic_segment_bytes", "broker/metadata/sqlite_topics.cc"}},
    {"transactional.id.expiration.ms",
     {"id_expiration_ms", "broker/coordinator/transaction_step.cc"}},
};

/// Whether `file`, or a source below the folder that it names, has `field` in it. Definitions and
/// the settings' own files do not count.
bool is_read(const Reader& reader) {
  const auto path = kRoot / reader.file;
  if (!std::filesystem::is_directory(path))
    return read(path).find(reader.field) != std::string::npos;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_regular_file() || name.find("settings.") != std::string::npos ||
        name.starts_with("topic_config"))
      continue;
    if (entry.path().extension() != ".cc" && entry.path().extension() != ".h") continue;
    if (read(entry.path()).find(reader.field) != std::string::npos) return true;
  }
  return false;
}

TEST(SettingsPage, EverySettingIsReadSomewhere) {
  for (const config::Key& key : setting_keys()) {
    if (key.min != 0 && key.min == key.max)
      continue;  // it has one value: to check it is to honour it
    const auto reader = kReaders.find(key.name);
    if (reader == kReaders.end()) {
      ADD_FAILURE() << key.name << ": say in kReaders who reads it";
      continue;
    }
    EXPECT_TRUE(is_read(reader->second))
        << key.name << ": nothing reads " << reader->second.field << " in " << reader->second.file;
  }
}

}  // namespace
}  // namespace penstock::broker
