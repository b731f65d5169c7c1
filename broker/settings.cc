#include "broker/settings.h"

#include <charconv>
#include <limits>
#include <optional>

#include "broker/kafka_settings.h"
#include "broker/topic_defaults.h"
#include "framework/config/definition.h"
#include "framework/config/properties.h"

namespace penstock::broker {

namespace {

using config::Key;
using config::Kind;

constexpr double kIntMax = 2147483647;
constexpr double kNoUpper = -1;  // config: max < min means none

// Kafka's names and defaults. Where a default differs from Kafka's on purpose, the text says so.
std::vector<Key> keys() {
  return {
      {.name = "listeners",
       .kind = Kind::kString,
       .fallback = "PLAINTEXT://127.0.0.1:9092",
       .doc = "Address to listen on, PLAINTEXT://HOST:PORT. One listener. Port 0: any free port, "
              "said on the ready line. "
              "Loopback by default (Kafka: all addresses), because there is no authentication."},
      {.name = "advertised.listeners",
       .kind = Kind::kString,
       .fallback = "",
       .doc = "Address that clients are told to connect to. Default: as listeners."},
      {.name = "log.dirs",
       .kind = Kind::kString,
       .fallback = "",
       .doc = "Data directory. One only; log.dir is the same. Default: penstock-data."},
      {.name = "log.dir",
       .kind = Kind::kString,
       .fallback = "penstock-data",
       .doc = "Data directory, when log.dirs is not set."},
      {.name = "node.id",
       .kind = Kind::kInt,
       .fallback = "",
       .doc = "Id of this broker; broker.id is the same. Default: 1.",
       .min = 0,
       .max = kIntMax},
      {.name = "broker.id",
       .kind = Kind::kInt,
       .fallback = "1",
       .doc = "Id of this broker, when node.id is not set.",
       .min = 0,
       .max = kIntMax},
      {.name = "broker.rack",
       .kind = Kind::kString,
       .fallback = "",
       .doc = "What clients are told of where this broker stands."},
      {.name = "cluster.id",
       .kind = Kind::kString,
       .fallback = "",
       .doc = "Must be the one in the data directory. Default: that one, or a new one."},
      {.name = "num.partitions",
       .kind = Kind::kInt,
       .fallback = "1",
       .doc = "Partitions of topics created without a count.",
       .min = 1,
       .max = 10000},
      {.name = "auto.create.topics.enable",
       .kind = Kind::kBool,
       .fallback = "true",
       .doc = "Whether a client's question for an unknown topic creates it."},
      {.name = "delete.topic.enable",
       .kind = Kind::kBool,
       .fallback = "true",
       .doc = "Whether DeleteTopics is obeyed."},
      {.name = "max.request.partition.size.limit",
       .kind = Kind::kInt,
       .fallback = "2000",
       .doc = "Most partitions in one answer to DescribeTopicPartitions.",
       .min = 1,
       .max = kIntMax},
      {.name = "message.max.bytes",
       .kind = Kind::kInt,
       .fallback = "1048588",
       .doc = "Largest record batch.",
       .min = 0,
       .max = kIntMax},
      {.name = "compression.type",
       .kind = Kind::kString,
       .fallback = "producer",
       .doc = "How batches are stored; producer: as they come.",
       .one_of = "uncompressed|zstd|lz4|snappy|gzip|producer"},
      {.name = "min.insync.replicas",
       .kind = Kind::kInt,
       .fallback = "1",
       .doc = "Replicas that acks=all needs; there is one broker.",
       .min = 1,
       .max = kIntMax},
      {.name = "log.message.timestamp.type",
       .kind = Kind::kString,
       .fallback = "CreateTime",
       .doc = "Whose clock stamps the records.",
       .one_of = "CreateTime|LogAppendTime"},
      {.name = "log.message.timestamp.before.max.ms",
       .kind = Kind::kLong,
       .fallback = "9223372036854775807",
       .doc = "How far a timestamp may lie behind the broker's clock.",
       .min = 0,
       .max = kNoUpper},
      {.name = "log.message.timestamp.after.max.ms",
       .kind = Kind::kLong,
       .fallback = "3600000",
       .doc = "How far a timestamp may lie ahead of the broker's clock.",
       .min = 0,
       .max = kNoUpper},
      {.name = "log.segment.bytes",
       .kind = Kind::kInt,
       .fallback = "1073741824",
       .doc = "Size at which a segment is closed.",
       .min = 1048576,
       .max = kIntMax},
      {.name = "log.roll.ms",
       .kind = Kind::kLong,
       .fallback = "",
       .doc = "Age at which a segment is closed; before log.roll.hours.",
       .min = 1,
       .max = kNoUpper},
      {.name = "log.roll.hours",
       .kind = Kind::kInt,
       .fallback = "168",
       .doc = "Age at which a segment is closed.",
       .min = 1,
       .max = kIntMax},
      {.name = "log.roll.jitter.ms",
       .kind = Kind::kLong,
       .fallback = "",
       .doc = "How much earlier a segment may be closed, each at its own time; before "
              "log.roll.jitter.hours.",
       .min = 0,
       .max = kNoUpper},
      {.name = "log.roll.jitter.hours",
       .kind = Kind::kInt,
       .fallback = "0",
       .doc = "How much earlier a segment may be closed.",
       .min = 0,
       .max = kIntMax},
      {.name = "log.index.interval.bytes",
       .kind = Kind::kInt,
       .fallback = "4096",
       .doc = "Log bytes between index entries.",
       .min = 0,
       .max = kIntMax},
      {.name = "log.index.size.max.bytes",
       .kind = Kind::kInt,
       .fallback = "10485760",
       .doc = "Largest index of a segment.",
       .min = 4,
       .max = kIntMax},
      {.name = "log.retention.ms",
       .kind = Kind::kLong,
       .fallback = "",
       .doc =
           "Age at which segments are removed, -1: never; before log.retention.minutes and .hours.",
       .min = -1,
       .max = 9.3e18},
      {.name = "log.retention.minutes",
       .kind = Kind::kInt,
       .fallback = "",
       .doc = "Before log.retention.hours.",
       .min = -1,
       .max = kIntMax},
      {.name = "log.retention.hours",
       .kind = Kind::kInt,
       .fallback = "168",
       .doc = "Age at which segments are removed.",
       .min = -1,
       .max = kIntMax},
      {.name = "log.retention.bytes",
       .kind = Kind::kLong,
       .fallback = "-1",
       .doc = "Bytes of a partition beyond which old segments are removed, -1: no limit.",
       .min = -1,
       .max = 9.3e18},
      {.name = "log.retention.check.interval.ms",
       .kind = Kind::kLong,
       .fallback = "300000",
       .doc = "How often retention looks.",
       .min = 1,
       .max = kNoUpper},
      {.name = "log.segment.delete.delay.ms",
       .kind = Kind::kLong,
       .fallback = "60000",
       .doc = "How long a removed segment's file is kept.",
       .min = 0,
       .max = kNoUpper},
      {.name = "log.cleanup.policy",
       .kind = Kind::kList,
       .fallback = "delete",
       .doc = "delete, compact, or both.",
       .one_of = "delete|compact"},
      {.name = "log.cleaner.delete.retention.ms",
       .kind = Kind::kLong,
       .fallback = "86400000",
       .doc = "How long tombstones are kept.",
       .min = 0,
       .max = kNoUpper},
      {.name = "log.cleaner.min.cleanable.ratio",
       .kind = Kind::kDouble,
       .fallback = "0.5",
       .doc = "Share of a log that is dirty before it is compacted.",
       .min = 0,
       .max = 1},
      {.name = "log.cleaner.min.compaction.lag.ms",
       .kind = Kind::kLong,
       .fallback = "0",
       .doc = "How long a record is safe from compaction.",
       .min = 0,
       .max = kNoUpper},
      {.name = "log.cleaner.max.compaction.lag.ms",
       .kind = Kind::kLong,
       .fallback = "9223372036854775807",
       .doc = "Age of a record from which on its log is compacted whatever its dirty share.",
       .min = 1,
       .max = kNoUpper},
      {.name = "log.cleaner.enable",
       .kind = Kind::kBool,
       .fallback = "true",
       .doc = "Whether logs whose policy says so are compacted."},
      {.name = "log.cleaner.backoff.ms",
       .kind = Kind::kLong,
       .fallback = "15000",
       .doc = "How long the cleaner rests when there was nothing to compact.",
       .min = 1,
       .max = kNoUpper},
      {.name = "log.cleaner.dedupe.buffer.size",
       .kind = Kind::kLong,
       .fallback = "134217728",
       .doc = "Most memory for the keys of one round of compaction, 24 bytes each; taken as it is "
              "needed. More keys take more rounds.",
       .min = 1048576,
       .max = kNoUpper},
      {.name = "log.cleaner.io.max.bytes.per.second",
       .kind = Kind::kDouble,
       .fallback = "1.7976931348623157E308",
       .doc = "Rate of reading and writing by compaction.",
       .min = 1,
       .max = kNoUpper},
      {.name = "log.flush.interval.messages",
       .kind = Kind::kLong,
       .fallback = "9223372036854775807",
       .doc = "Less than the largest number: answer producers after fdatasync, each of them.",
       .min = 1,
       .max = kNoUpper},
      {.name = "log.flush.interval.ms",
       .kind = Kind::kLong,
       .fallback = "9223372036854775807",
       .doc = "Longest time from the write of a record to fdatasync.",
       .min = 0,
       .max = kNoUpper},
      {.name = "unclean.leader.election.enable",
       .kind = Kind::kBool,
       .fallback = "false",
       .doc = "Default of the topic setting; both mean the same, for the one replica is always in "
              "sync."},
      {.name = "log.flush.offset.checkpoint.interval.ms",
       .kind = Kind::kInt,
       .fallback = "5000",
       .doc = "How often the log is flushed and recovery points move (Kafka: 60000).",
       .min = 1,
       .max = kIntMax},
      {.name = "producer.id.expiration.ms",
       .kind = Kind::kInt,
       .fallback = "86400000",
       .doc = "How long an idle idempotent producer is remembered.",
       .min = 1,
       .max = kIntMax},
      {.name = "socket.request.max.bytes",
       .kind = Kind::kInt,
       .fallback = "104857600",
       .doc = "Largest request.",
       .min = 1,
       .max = kIntMax},
      {.name = "queued.max.request.bytes",
       .kind = Kind::kLong,
       .fallback = "33554432",
       .doc = "Request bytes in memory, -1: no limit (Kafka's default).",
       .min = -1,
       .max = 9.3e18},
      {.name = "connections.max.idle.ms",
       .kind = Kind::kLong,
       .fallback = "600000",
       .doc = "Idle connections are closed after this, below 0: never.",
       .min = -9.3e18,
       .max = 9.3e18},
      {.name = "max.connections",
       .kind = Kind::kInt,
       .fallback = "10000",
       .doc = "Connections in all.",
       .min = 1,
       .max = kIntMax},
      {.name = "max.connections.per.ip",
       .kind = Kind::kInt,
       .fallback = "10000",
       .doc = "Connections from one address.",
       .min = 1,
       .max = kIntMax},
      {.name = "fetch.max.bytes",
       .kind = Kind::kInt,
       .fallback = "57671680",
       .doc = "Largest answer to a fetch.",
       .min = 1024,
       .max = kIntMax},
      {.name = "max.incremental.fetch.session.cache.slots",
       .kind = Kind::kInt,
       .fallback = "1000",
       .doc = "Fetch sessions that are remembered; 0: none.",
       .min = 0,
       .max = 1'000'000},
      {.name = "num.network.threads",
       .kind = Kind::kInt,
       .fallback = "",
       .doc = "Shards. Default: CPUs that the process may use, at most 8.",
       .min = 1,
       .max = 64},
      {.name = "penstock.flush",
       .kind = Kind::kString,
       .fallback = "os",
       .doc = "os: answer producers after the write to the page cache, as Kafka does; ack: after "
              "fdatasync.",
       .one_of = "os|ack"},
      {.name = "penstock.check.compressed",
       .kind = Kind::kBool,
       .fallback = "true",
       .doc = "Whether the records of compressed batches are decompressed and checked before a "
              "producer is answered, as Kafka does. "
              "false saves CPU where every producer is trusted: a broken batch then stops its "
              "consumers."},
      {.name = "penstock.scrub.bytes.per.second",
       .kind = Kind::kLong,
       .fallback = "1048576",
       .doc = "Rate at which cold segments are re-read and checked; 0: never.",
       .min = 0,
       .max = kNoUpper},
      {.name = "log.recovery.assume.power.cut",
       .kind = Kind::kBool,
       .fallback = "false",
       .doc = "Treat the last stop as a power cut: check everything behind the recovery points."},
  };
}

Result<Endpoint> parse_listener(std::string_view name, std::string_view text) {
  constexpr std::string_view kScheme = "PLAINTEXT://";
  const auto wrong = [&](std::string_view what) {
    return fail(Errc::kInvalid, std::string(name) + ": " + std::string(what) + " in '" +
                                    std::string(text) + "'; write PLAINTEXT://HOST:PORT");
  };
  if (text.find(',') != std::string_view::npos) return wrong("only one listener is supported,");
  if (!text.starts_with(kScheme)) return wrong("only PLAINTEXT is supported,");
  const std::string_view rest = text.substr(kScheme.size());
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos) return wrong("no port");
  Endpoint out;
  out.host = rest.substr(0, colon);
  if (out.host.size() > 2 && out.host.front() == '[' && out.host.back() == ']')
    out.host = out.host.substr(1, out.host.size() - 2);
  const std::string_view port = rest.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (error != std::errc() || end != port.data() + port.size() || port.empty())
    return wrong("no port from 0 to 65535");
  return out;
}

Settings convert(const config::Settings& given, std::vector<config::Problem>& problems) {
  Settings out;
  const auto listener = [&](std::string_view key) {
    auto parsed = parse_listener(key, given.text(key));
    if (!parsed) problems.push_back({std::string(key), parsed.error().text});
    return parsed ? *parsed : Endpoint();
  };
  out.listener = listener("listeners");
  if (given.given("advertised.listeners")) out.advertised = listener("advertised.listeners");
  out.log_dir = given.given("log.dirs") ? given.text("log.dirs") : given.text("log.dir");
  if (out.log_dir.find(',') != std::string::npos) {
    problems.push_back(
        {"log.dirs", "log.dirs: only one data directory is supported, not '" + out.log_dir + "'"});
  }
  out.node_id = BrokerId(
      static_cast<std::int32_t>(given.number(given.given("node.id") ? "node.id" : "broker.id")));
  out.cluster_id = given.text("cluster.id");
  out.num_partitions = static_cast<std::int32_t>(given.number("num.partitions"));
  out.auto_create_topics = given.flag("auto.create.topics.enable");
  out.topic_defaults = topic_defaults(given);
  if (out.topic_defaults.log.max_compaction_lag_ms < out.topic_defaults.log.min_compaction_lag_ms) {
    problems.push_back(
        {"log.cleaner.max.compaction.lag.ms",
         "log.cleaner.max.compaction.lag.ms is smaller than log.cleaner.min.compaction.lag.ms"});
  }
  out.request_bytes_max = static_cast<std::int32_t>(given.number("socket.request.max.bytes"));
  const auto unless_negative = [&given](const char* name) {
    const std::int64_t value = given.number(name);
    return value < 0 ? std::numeric_limits<std::int64_t>::max() : value;
  };
  out.queued_request_bytes_max = unless_negative("queued.max.request.bytes");
  out.connection_idle_ms_max = unless_negative("connections.max.idle.ms");
  if (given.given("broker.rack")) out.rack = given.text("broker.rack");
  out.connections_max = static_cast<std::int32_t>(given.number("max.connections"));
  out.connections_per_address_max =
      static_cast<std::int32_t>(given.number("max.connections.per.ip"));
  out.shards = static_cast<std::int32_t>(given.number("num.network.threads"));
  out.delete_topics = given.flag("delete.topic.enable");
  out.described_partitions_max =
      static_cast<std::int32_t>(given.number("max.request.partition.size.limit"));
  out.fetch_bytes_max = static_cast<std::int32_t>(given.number("fetch.max.bytes"));
  out.fetch_sessions_max =
      static_cast<std::int32_t>(given.number("max.incremental.fetch.session.cache.slots"));
  out.retention_check_ms = given.number("log.retention.check.interval.ms");
  out.checkpoint_ms = given.number("log.flush.offset.checkpoint.interval.ms");
  out.cleaner.enabled = given.flag("log.cleaner.enable");
  out.cleaner.backoff_ms = given.number("log.cleaner.backoff.ms");
  out.cleaner.map_bytes_max =
      static_cast<std::uint64_t>(given.number("log.cleaner.dedupe.buffer.size"));
  if (given.given("log.cleaner.io.max.bytes.per.second"))
    out.cleaner.bytes_per_second = given.real("log.cleaner.io.max.bytes.per.second");
  out.scrub_bytes_per_second = given.number("penstock.scrub.bytes.per.second");
  out.coordinator = coordinator_settings(given, problems);
  out.transactions = transaction_settings(given);
  out.assume_power_cut = given.flag("log.recovery.assume.power.cut");
  return out;
}

}  // namespace

std::vector<Key> setting_keys() {
  std::vector<Key> all = keys();
  for (Key& key : coordinator_keys()) all.push_back(std::move(key));
  for (Key& key : transaction_keys()) all.push_back(std::move(key));
  return all;
}

Result<Settings> load_settings(const std::string& file, const std::vector<std::string>& overrides) {
  config::Map map;
  if (!file.empty()) {
    PENSTOCK_ASSIGN_OR_RETURN(map, config::load_properties(file));
  }
  std::vector<config::Problem> problems;
  for (const std::string& text : overrides) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      problems.push_back({text, "--override " + text + ": write key=value"});
    else
      map[text.substr(0, equals)] = text.substr(equals + 1);
  }
  const config::Definition definition(setting_keys());
  const config::Map typed = map;
  Settings out;
  take_controller_listeners(map, problems);
  take_kafka_settings(definition, map, out.notes, problems);
  for (const char* name : {"log.retention.ms", "log.retention.minutes", "log.retention.hours"}) {
    const auto found = map.find(name);
    if (found != map.end() && found->second == "0")
      problems.push_back({name, std::string(name) + ": must be -1, for never, or at least 1"});
  }
  config::Checked checked = definition.check_strictly(map);
  problems.insert(problems.end(), checked.problems.begin(), checked.problems.end());
  if (checked.problems.empty()) {
    std::vector<std::string> notes = std::move(out.notes);
    out = convert(checked.settings, problems);
    out.notes = std::move(notes);
  }
  if (!problems.empty()) return fail(Errc::kInvalid, config::join(problems));
  out.given.insert(typed.begin(), typed.end());
  return out;
}

Endpoint advertised_endpoint(const Settings& settings, std::uint16_t bound) {
  Endpoint out = settings.advertised.host.empty() && settings.advertised.port == 0
                     ? settings.listener
                     : settings.advertised;
  if (out.port == 0) out.port = bound;
  if (out.host.empty() || out.host == "0.0.0.0" || out.host == "::") out.host = "localhost";
  return out;
}

std::string to_string(const Endpoint& endpoint) {
  const bool v6 = endpoint.host.find(':') != std::string::npos;
  return (v6 ? "[" + endpoint.host + "]" : endpoint.host) + ":" + std::to_string(endpoint.port);
}

}  // namespace penstock::broker
