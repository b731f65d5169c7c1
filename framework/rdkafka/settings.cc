#include "framework/rdkafka/settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <span>
#include <utility>

#include "framework/rdkafka/client_conf.h"

namespace penstock::rdkafka {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

constexpr Pair kCommon[] = {
    {"client.id", "penstock"},
    {"log_level", "4"},
    {"log.connection.close", "false"},
    {"reconnect.backoff.ms", "50"},
    {"reconnect.backoff.max.ms", "2000"},
    {"socket.nagle.disable", "true"},
};
constexpr Pair kProducer[] = {
    {"partitioner", "murmur2_random"},
    {"enable.idempotence", "true"},
    {"acks", "all"},
    {"message.timeout.ms", "0"},
    {"queue.buffering.max.kbytes", "16384"},
    {"queue.buffering.max.messages", "100000"},
    {"batch.size", "1000000"},
    {"batch.num.messages", "10000"},
    {"linger.ms", "5"},
    {"compression.type", "lz4"},
    {"message.max.bytes", "1048576"},
};
constexpr Pair kConsumer[] = {
    {"enable.auto.commit", "false"},        {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "error"},         {"enable.partition.eof", "true"},
    {"queued.max.messages.kbytes", "8192"}, {"queued.min.messages", "20000"},
    {"fetch.message.max.bytes", "262144"},  {"fetch.max.bytes", "1048576"},
    {"fetch.wait.max.ms", "100"},           {"topic.metadata.refresh.interval.ms", "2000"},
    {"max.poll.interval.ms", "300000"},     {"session.timeout.ms", "10000"},
};

/// Java's name, librdkafka's name. "" is for what has another place or no counterpart: the text
/// says which.
struct Translation {
  std::string_view java, native, refusal;
};
constexpr Translation kTranslations[] = {
    {"max.request.size", "message.max.bytes", ""},
    {"metadata.max.age.ms", "topic.metadata.refresh.interval.ms", ""},
    {"receive.buffer.bytes", "socket.receive.buffer.bytes", ""},
    {"send.buffer.bytes", "socket.send.buffer.bytes", ""},
    {"fetch.max.wait.ms", "fetch.wait.max.ms", ""},
    {"max.partition.fetch.bytes", "fetch.message.max.bytes", ""},
    {"socket.connection.setup.timeout.max.ms", "socket.connection.setup.timeout.ms", ""},
    {"key.serializer", "", "records are serialised by key.converter"},
    {"value.serializer", "", "records are serialised by value.converter"},
    {"key.deserializer", "", "records are deserialised by key.converter"},
    {"value.deserializer", "", "records are deserialised by value.converter"},
    {"partitioner.class", "",
     "records are partitioned by key as Java's default partitioner does; use partitioner for "
     "another of librdkafka's"},
    {"interceptor.classes", "", "interceptors are Java classes"},
    {"metric.reporters", "", "reporters are Java classes"},
    {"max.block.ms", "", "a full queue makes the source wait; it never fails"},
    {"transactional.id", "",
     "transactions belong to exactly-once sources, which choose their own id"},
    {"sasl.jaas.config", "", "use sasl.username and sasl.password"},
    {"ssl.truststore.location", "", "use ssl.ca.location, a PEM file"},
    {"ssl.truststore.password", "", "use ssl.ca.location, a PEM file"},
    {"ssl.keystore.type", "", "use ssl.certificate.location and ssl.key.location, PEM files"},
    {"max.poll.records", "", "use max.batch.records of the connector"},
    {"enable.auto.offset.store", "", "offsets are stored once the sink has flushed"},
    {"enable.partition.eof", "", "it is always on"},
};

constexpr Pair kAssignors[] = {
    {"org.apache.kafka.clients.consumer.RangeAssignor", "range"},
    {"org.apache.kafka.clients.consumer.RoundRobinAssignor", "roundrobin"},
};

/// librdkafka names the setting as it knows it, which need not be what was typed: what is left says
/// what is wrong with the value.
std::string without_name(std::string text) {
  for (const std::string_view before :
       {" for configuration property \"", "Configuration property \""}) {
    const auto begin = text.find(before);
    if (begin == std::string::npos) continue;
    const auto end = text.find('"', begin + before.size());
    if (end != std::string::npos) text.erase(begin, end + 1 - begin);
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text.substr(std::min(text.find_first_not_of(' '), text.size()));
}

std::string_view prefix_of(Role role) {
  switch (role) {
    case Role::kProducer:
      return "producer.";
    case Role::kConsumer:
      return "consumer.";
    case Role::kAdmin:
      break;
  }
  return "admin.";
}

/// Collects settings in order of rising weight, checking each by its given name.
class Collector {
 public:
  explicit Collector(Role role) : role_(role), conf_(rd_kafka_conf_new()) {}

  void house(std::span<const Pair> pairs) {
    for (const auto& [name, value] : pairs)
      out_.values.insert_or_assign(std::string(name), std::string(value));
  }
  /// `shown` is the name as the user typed it.
  Status add(std::string name, std::string value, const std::string& shown);
  ClientSettings take() { return std::move(out_); }

 private:
  Status add_special(const std::string& name, std::string& value, const std::string& shown,
                     bool& done);
  Role role_;
  Conf conf_;
  ClientSettings out_;
};

Status Collector::add_special(const std::string& name, std::string& value, const std::string& shown,
                              bool& done) {
  done = true;
  if (role_ == Role::kConsumer && name == "auto.offset.reset") {
    if (value == "smallest" || value == "beginning") value = "earliest";
    if (value == "largest" || value == "end") value = "latest";
    if (value == "error") value = "none";
    if (value != "earliest" && value != "latest" && value != "none") {
      return fail(Errc::kInvalid,
                  shown + ": must be earliest, latest or none, not \"" + value + "\"");
    }
    out_.initial_offset = value;
    return {};
  }
  if (role_ == Role::kConsumer && name == "enable.auto.commit") {
    if (value == "false") return {};
    return fail(Errc::kInvalid,
                shown + ": must be false: offsets are committed once the sink has flushed");
  }
  if (role_ == Role::kProducer && name == "buffer.memory") {
    std::int64_t bytes = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), bytes);
    if (error != std::errc() || end != value.data() + value.size() || bytes < 1024) {
      return fail(Errc::kInvalid, shown + ": must be a number of bytes, at least 1024");
    }
    out_.values["queue.buffering.max.kbytes"] = std::to_string(bytes / 1024);
    return {};
  }
  done = false;
  return {};
}

Status Collector::add(std::string name, std::string value, const std::string& shown) {
  bool done = false;
  PENSTOCK_RETURN_IF_ERROR(add_special(name, value, shown, done));
  if (done) return {};
  const auto* const known = std::find_if(std::begin(kTranslations), std::end(kTranslations),
                                         [&](const Translation& t) { return t.java == name; });
  if (known != std::end(kTranslations)) {
    if (known->native.empty()) {
      return fail(Errc::kInvalid, shown + ": not available here: " + std::string(known->refusal));
    }
    name = known->native;
  }
  if (name == "partition.assignment.strategy") {
    for (const auto& [java, native] : kAssignors) {
      for (auto at = value.find(java); at != std::string::npos; at = value.find(java))
        value.replace(at, java.size(), native);
    }
    if (value.find("cooperative") != std::string::npos || value.find('.') != std::string::npos) {
      return fail(Errc::kInvalid, shown + ": must be made of range and roundrobin");
    }
  }
  std::array<char, 512> text{};
  switch (rd_kafka_conf_set(conf_.get(), name.c_str(), value.c_str(), text.data(), text.size())) {
    case RD_KAFKA_CONF_OK:
      break;
    case RD_KAFKA_CONF_UNKNOWN:
      return fail(Errc::kInvalid, shown +
                                      ": unknown setting; neither librdkafka nor Kafka's clients "
                                      "have it in a form that works here");
    case RD_KAFKA_CONF_INVALID:
      return fail(Errc::kInvalid, shown + ": " + without_name(text.data()));
  }
  out_.values.insert_or_assign(std::move(name), std::move(value));
  return {};
}

}  // namespace

Result<ClientSettings> client_settings(Role role, const SettingMap& worker,
                                       const SettingMap& connector) {
  Collector all(role);
  all.house(kCommon);
  if (role == Role::kProducer) all.house(kProducer);
  if (role == Role::kConsumer) all.house(kConsumer);
  const auto prefix = std::string(prefix_of(role));
  const auto is_prefixed = [](const std::string& key) {
    return key.starts_with("producer.") || key.starts_with("consumer.") ||
           key.starts_with("admin.");
  };
  for (const auto& [key, value] : worker) {
    if (!is_prefixed(key)) PENSTOCK_RETURN_IF_ERROR(all.add(key, value, key));
  }
  for (const auto& [key, value] : worker) {
    if (key.starts_with(prefix))
      PENSTOCK_RETURN_IF_ERROR(all.add(key.substr(prefix.size()), value, key));
  }
  const auto override_prefix = prefix + "override.";
  for (const auto& [key, value] : connector) {
    if (key.starts_with(override_prefix)) {
      PENSTOCK_RETURN_IF_ERROR(all.add(key.substr(override_prefix.size()), value, key));
    }
  }
  return all.take();
}

}  // namespace penstock::rdkafka
