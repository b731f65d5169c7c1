#include "broker/kafka_settings.h"

#include <algorithm>
#include <array>
#include <map>

#include "framework/config/value.h"

namespace penstock::broker {

namespace {

constexpr std::string_view kAny = "*";
constexpr std::string_view kOneBroker = "there are no other brokers";
constexpr std::string_view kNoController = "there is no controller quorum";
constexpr std::string_view kNoTiers = "there is no tiered storage";
constexpr std::string_view kThreads = "num.network.threads sizes this broker; the rest follows";
constexpr std::string_view kPlain = "listeners are PLAINTEXT: nobody logs in";
constexpr std::string_view kNoPlugins = "classes cannot be loaded into this broker";
constexpr std::string_view kNoJmx = "there is no JMX";
constexpr std::string_view kKernel = "the kernel chooses the size";
constexpr std::string_view kDropped = "Kafka 4 has dropped it";

// Families whose members cannot be listed: listeners have names, and Kafka 4 has none of the
// others.
constexpr std::array<std::string_view, 6> kOpenFamilies = {"listener.name.*", "password.encoder.*",
                                                           "rlmm.config.*",   "rsm.config.*",
                                                           "unstable.*",      "zookeeper.*"};

// By name. A family is looked at when no entry and no longer family has the name.
constexpr std::array kSettings = {
    KafkaSetting{
        "add.partitions.to.txn.*", kAny,
        "retries are fixed: each 2 ms for 100 ms, because the markers are this broker's own"},
    KafkaSetting{"allow.everyone.if.no.acl.found", kAny, kPlain},
    KafkaSetting{"alter.config.policy.class.name", "", kNoPlugins},
    KafkaSetting{"alter.log.dirs.replication.quota.*", kAny, "there is one log directory"},
    KafkaSetting{"authorizer.class.name", "", "there are no ACLs: everybody may do everything"},
    KafkaSetting{"auto.include.jmx.reporter", kAny, kNoJmx},
    KafkaSetting{"auto.leader.rebalance.enable", kAny, kOneBroker},
    KafkaSetting{"background.threads", kAny, kThreads},
    KafkaSetting{"broker.heartbeat.interval.ms", kAny, kOneBroker},
    KafkaSetting{"broker.id.generation.enable", kAny, "the id is that of node.id"},
    KafkaSetting{"broker.session.timeout.ms", kAny, kOneBroker},
    KafkaSetting{"client.quota.callback.class", "", kNoPlugins},
    KafkaSetting{"compression.gzip.level", "-1", "each codec has one level"},
    KafkaSetting{"compression.lz4.level", "9", "each codec has one level"},
    KafkaSetting{"compression.zstd.level", "3", "each codec has one level"},
    KafkaSetting{"config.providers", "", kNoPlugins},
    KafkaSetting{"connection.failed.authentication.delay.ms", kAny, kPlain},
    KafkaSetting{"connections.max.reauth.ms", kAny, kPlain},
    KafkaSetting{"control.plane.listener.name", kAny, kOneBroker},
    KafkaSetting{"controlled.shutdown.*", kAny, kOneBroker},
    KafkaSetting{"controller.*", kAny, kNoController},
    KafkaSetting{"cordoned.log.dirs", "", "the one log directory takes all partitions"},
    KafkaSetting{"create.topic.policy.class.name", "", kNoPlugins},
    KafkaSetting{"default.replication.factor", "1", kOneBroker},
    KafkaSetting{"delegation.token.*", kAny, kPlain},
    KafkaSetting{"delete.records.purgatory.purge.interval.requests", kAny, "there is no purgatory"},
    KafkaSetting{"early.start.listeners", kAny, kNoController},
    KafkaSetting{"fetch.purgatory.purge.interval.requests", kAny, "there is no purgatory"},
    KafkaSetting{"follower.fetch.last.tiered.offset.enable", kAny, kNoTiers},
    KafkaSetting{"group.consumer.regex.refresh.interval.ms", kAny,
                 "regular expressions are matched again whenever topics change"},
    KafkaSetting{"group.coordinator.*", kAny, "groups live on the threads of their partitions"},
    KafkaSetting{"group.coordinator.rebalance.protocols",
                 "classic,consumer|classic,consumer,streams",
                 "both protocols are always on, that of streams groups never"},
    KafkaSetting{"group.share.*", kAny, "there are no share groups"},
    KafkaSetting{"group.streams.*", kAny, "there are no streams groups"},
    KafkaSetting{"initial.broker.registration.timeout.ms", kAny, kNoController},
    KafkaSetting{"inter.broker.listener.name", kAny, kOneBroker},
    KafkaSetting{"inter.broker.protocol.version", kAny, kDropped},
    KafkaSetting{"kafka.metrics.polling.interval.secs", kAny, kNoJmx},
    KafkaSetting{"kafka.metrics.reporters", "", kNoPlugins},
    KafkaSetting{"leader.imbalance.*", kAny, kOneBroker},
    KafkaSetting{"listener.name.*", "", "there is one listener, which has no settings of its own"},
    KafkaSetting{"listener.security.protocol.map", kAny, "only PLAINTEXT listeners are opened"},
    KafkaSetting{"log.cleaner.io.buffer.*", kAny, "compaction reads batch by batch"},
    KafkaSetting{"log.cleaner.threads", kAny, "one compaction runs at a time"},
    KafkaSetting{"log.dir.failure.timeout.ms", kAny, "a failed data directory refuses at once"},
    KafkaSetting{"log.flush.scheduler.interval.ms", kAny, "flush.ms needs no scheduler"},
    KafkaSetting{"log.flush.start.offset.checkpoint.interval.ms", kAny,
                 "checkpoints are written every log.flush.offset.checkpoint.interval.ms"},
    KafkaSetting{"log.local.retention.bytes", "-2", kNoTiers},
    KafkaSetting{"log.local.retention.ms", "-2", kNoTiers},
    KafkaSetting{"log.message.downconversion.enable", kAny, kDropped},
    KafkaSetting{"log.message.format.version", kAny, kDropped},
    KafkaSetting{"log.message.timestamp.difference.max.ms", "9223372036854775807",
                 "Kafka 4 has dropped it: set log.message.timestamp.before.max.ms and "
                 "log.message.timestamp.after.max.ms"},
    KafkaSetting{"log.preallocate", "false", "blocks are reserved some ahead of the writes"},
    KafkaSetting{"max.connection.creation.rate", "2147483647", "there is no such limit"},
    KafkaSetting{"max.connections.per.ip.overrides", "", "max.connections.per.ip holds for all"},
    KafkaSetting{"metadata.*", kAny, "metadata is kept in the data directory"},
    KafkaSetting{"metric.reporters", "org.apache.kafka.common.metrics.JmxReporter", kNoPlugins},
    KafkaSetting{"metrics.*", kAny, kNoJmx},
    KafkaSetting{"num.io.threads", kAny, kThreads},
    KafkaSetting{"num.recovery.threads.per.data.dir", kAny, kThreads},
    KafkaSetting{"num.replica.*", kAny, kOneBroker},
    KafkaSetting{"offsets.commit.timeout.ms", kAny, "commits wait for the local log only"},
    KafkaSetting{"offsets.load.buffer.size", kAny, "groups are loaded batch by batch"},
    KafkaSetting{"offsets.topic.compression.codec", "0", "offsets are stored uncompressed"},
    KafkaSetting{"password.encoder.*", kAny, kDropped},
    KafkaSetting{"principal.builder.class", kAny, kPlain},
    KafkaSetting{"process.roles", "broker|broker,controller|controller,broker",
                 "it is a broker that is started here"},
    KafkaSetting{"producer.id.expiration.check.interval.ms", kAny,
                 "retention looks for idle producers"},
    KafkaSetting{"producer.purgatory.purge.interval.requests", kAny, "there is no purgatory"},
    KafkaSetting{"queued.max.requests", kAny, "queued.max.request.bytes bounds what is queued"},
    KafkaSetting{"quota.window.num", "11", "quotas look at 11 windows"},
    KafkaSetting{"quota.window.size.seconds", "1", "the windows of quotas are a second long"},
    KafkaSetting{"remote.*", kAny, kNoTiers},
    KafkaSetting{"remote.log.storage.system.enable", "false", kNoTiers},
    KafkaSetting{"replica.*", kAny, kOneBroker},
    KafkaSetting{"replication.quota.*", kAny, kOneBroker},
    KafkaSetting{"request.timeout.ms", kAny, kOneBroker},
    KafkaSetting{"reserved.broker.max.id", kAny, kDropped},
    KafkaSetting{"rlmm.config.*", kAny, kNoTiers},
    KafkaSetting{"rsm.config.*", kAny, kNoTiers},
    KafkaSetting{"sasl.*", kAny, kPlain},
    KafkaSetting{"security.inter.broker.protocol", "PLAINTEXT", "only PLAINTEXT is spoken"},
    KafkaSetting{"security.providers", "", kNoPlugins},
    KafkaSetting{"share.*", kAny, "there are no share groups"},
    KafkaSetting{"socket.connection.setup.timeout.*", kAny, kOneBroker},
    KafkaSetting{"socket.listen.backlog.size", kAny, kKernel},
    KafkaSetting{"socket.receive.buffer.bytes", kAny, kKernel},
    KafkaSetting{"socket.send.buffer.bytes", kAny, kKernel},
    KafkaSetting{"ssl.*", kAny, kPlain},
    KafkaSetting{"super.users", kAny, "there are no ACLs"},
    KafkaSetting{"telemetry.max.bytes", kAny, "client metrics are not collected"},
    KafkaSetting{"transaction.*", kAny, "transactions have no such setting here"},
    KafkaSetting{"transaction.partition.verification.enable", "true",
                 "transactional produces are always verified"},
    KafkaSetting{"transaction.two.phase.commit.enable", "false", "two-phase commit is not offered"},
    KafkaSetting{"transactional.*", kAny, "transactions have no such setting here"},
    KafkaSetting{"unstable.*", "false", "nothing unstable is offered"},
    KafkaSetting{"zookeeper.*", kAny, kDropped},
};
static_assert(std::is_sorted(kSettings.begin(), kSettings.end(),
                             [](const auto& a, const auto& b) { return a.name < b.name; }));

bool covers(const KafkaSetting& setting, std::string_view name) {
  if (!setting.name.ends_with(".*") ||
      !name.starts_with(setting.name.substr(0, setting.name.size() - 1)))
    return false;
  const bool open =
      std::find(kOpenFamilies.begin(), kOpenFamilies.end(), setting.name) != kOpenFamilies.end();
  return open || is_name_of_kafkas(name);
}

bool is_harmless(const KafkaSetting& setting, std::string_view value) {
  if (setting.harmless == kAny || value.empty()) return true;
  std::string_view rest = setting.harmless;
  while (!rest.empty()) {
    const std::size_t bar = std::min(rest.find('|'), rest.size());
    if (rest.substr(0, bar) == value) return true;
    rest.remove_prefix(std::min(bar + 1, rest.size()));
  }
  return false;
}

std::string cannot(std::string_view name, const KafkaSetting& setting) {
  std::string out = std::string(name) + " cannot be honoured: " + std::string(setting.why);
  if (!setting.harmless.empty()) {
    std::string values(setting.harmless);
    for (std::size_t at = 0; (at = values.find('|', at)) != std::string::npos;)
      values.replace(at, 1, "' or '");
    out += "; only '" + values + "' is possible";
  }
  return out;
}

std::map<std::string_view, std::string_view> protocols(std::string_view map) {
  std::map<std::string_view, std::string_view> out;
  for (const std::string_view pair : config::parse_list(map)) {
    const std::size_t colon = pair.find(':');
    if (colon != std::string_view::npos) out[pair.substr(0, colon)] = pair.substr(colon + 1);
  }
  return out;
}

std::string_view value_of(const config::Map& given, std::string_view name) {
  const auto found = given.find(name);
  return found == given.end() ? std::string_view() : std::string_view(found->second);
}

}  // namespace

std::span<const KafkaSetting> kafka_settings() { return kSettings; }

const KafkaSetting* find_kafka_setting(std::string_view name) {
  const KafkaSetting* best = nullptr;
  for (const KafkaSetting& setting : kSettings) {
    if (setting.name == name) return &setting;
    if (covers(setting, name) && (best == nullptr || setting.name.size() > best->name.size()))
      best = &setting;
  }
  return best;
}

void take_kafka_settings(const config::Definition& ours, config::Map& given,
                         std::vector<std::string>& notes, std::vector<config::Problem>& problems) {
  for (auto at = given.begin(); at != given.end();) {
    const KafkaSetting* setting =
        ours.find(at->first) == nullptr ? find_kafka_setting(at->first) : nullptr;
    if (setting == nullptr) {
      ++at;
      continue;
    }
    if (is_harmless(*setting, at->second))
      notes.push_back(at->first + " changes nothing: " + std::string(setting->why));
    else
      problems.push_back({at->first, cannot(at->first, *setting)});
    at = given.erase(at);
  }
}

void take_controller_listeners(config::Map& given, std::vector<config::Problem>& problems) {
  const std::string names(value_of(given, "controller.listener.names"));
  const std::string map(value_of(given, "listener.security.protocol.map"));
  const auto controllers = config::parse_list(names);
  const auto protocol_of = protocols(map);
  for (const char* key : {"listeners", "advertised.listeners"}) {
    const auto found = given.find(key);
    if (found == given.end()) continue;
    std::string left;
    for (const std::string_view entry : config::parse_list(found->second)) {
      const std::size_t scheme = std::min(entry.find("://"), entry.size());
      const std::string_view name = entry.substr(0, scheme);
      if (std::find(controllers.begin(), controllers.end(), name) != controllers.end()) continue;
      const auto protocol = protocol_of.find(name);
      const bool plain = protocol != protocol_of.end() && protocol->second == "PLAINTEXT";
      left.append(left.empty() ? "" : ",")
          .append(plain ? std::string_view("PLAINTEXT") : name)
          .append(entry.substr(scheme));
    }
    if (!left.empty())
      found->second = left;
    else if (std::string_view(key) == "listeners")
      problems.push_back({key, "listeners: '" + found->second + "' has none for clients"});
    else
      given.erase(found);
  }
}

}  // namespace penstock::broker
