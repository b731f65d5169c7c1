#include <librdkafka/rdkafka.h>
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "framework/cli/cluster.h"
#include "framework/cli/command.h"

namespace penstock::cli {

namespace {

using nlohmann::json;

struct Options {
  std::string bootstrap = kDefaultBootstrap;
  bool as_json = false;
  std::string topic;
  std::string from = "beginning";
  std::int64_t count = -1;
  bool follow = false;
  bool keys = false;
};

struct ClientDelete {
  void operator()(rd_kafka_t* client) const { rd_kafka_destroy(client); }
};
struct MessageDelete {
  void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
};
void drop_log(const rd_kafka_t*, int, const char*, const char*) {}

std::string text_of(const void* bytes, std::size_t size) {
  return {static_cast<const char*>(bytes), size};
}

json as_json(const rd_kafka_message_t& message) {
  json out{{"partition", message.partition},
           {"offset", message.offset},
           {"timestamp", rd_kafka_message_timestamp(&message, nullptr)}};
  out["key"] = message.key != nullptr ? json(text_of(message.key, message.key_len)) : json();
  out["value"] = message.payload != nullptr ? json(text_of(message.payload, message.len)) : json();
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    json list = json::array();
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t i = 0;
         rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
         ++i) {
      list.push_back(
          {{"name", name}, {"value", value != nullptr ? json(text_of(value, size)) : json()}});
    }
    out["headers"] = std::move(list);
  }
  return out;
}

void print(const Options& options, const rd_kafka_message_t& message) {
  if (options.as_json) {
    // Bytes that are not UTF-8 are shown with replacement characters.
    std::printf("%s\n",
                as_json(message).dump(-1, ' ', false, json::error_handler_t::replace).c_str());
    return;
  }
  if (options.keys) {
    std::fwrite(message.key, 1, message.key_len, stdout);
    std::fputc('\t', stdout);
  }
  std::fwrite(message.payload, 1, message.len, stdout);
  std::fputc('\n', stdout);
}

Result<std::int64_t> start_of(const Options& options) {
  if (options.from == "beginning") return RD_KAFKA_OFFSET_BEGINNING;
  if (options.from == "end") return RD_KAFKA_OFFSET_END;
  std::int64_t value = 0;
  if (!CLI::detail::lexical_cast(options.from, value) || value < 0) {
    return fail(Errc::kInvalid,
                "--from takes beginning, end or an offset, not \"" + options.from + "\"");
  }
  return value;
}

Result<std::unique_ptr<rd_kafka_t, ClientDelete>> open_consumer(const Options& options) {
  char text[512];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set_log_cb(conf, &drop_log);
  const std::pair<const char*, const char*> settings[] = {
      {"bootstrap.servers", options.bootstrap.c_str()},
      {"client.id", "penstock-cli"},
      {"group.id", "penstock-cli"},
      {"enable.auto.commit", "false"},
      {"enable.partition.eof", "true"},
      {"auto.offset.reset", "error"},
      {"allow.auto.create.topics", "false"}};
  for (const auto& [key, value] : settings) {
    if (rd_kafka_conf_set(conf, key, value, text, sizeof text) != RD_KAFKA_CONF_OK) {
      rd_kafka_conf_destroy(conf);
      return fail(Errc::kInvalid, text);
    }
  }
  std::unique_ptr<rd_kafka_t, ClientDelete> client(
      rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text));
  if (!client) return fail(Errc::kInvalid, text);
  rd_kafka_poll_set_consumer(client.get());
  return client;
}

Status consume(const Options& options) {
  PENSTOCK_ASSIGN_OR_RETURN(const std::int64_t start, start_of(options));
  PENSTOCK_ASSIGN_OR_RETURN(auto cluster, Cluster::open(options.bootstrap));
  PENSTOCK_ASSIGN_OR_RETURN(const TopicInfo topic, cluster.topic(options.topic));
  PENSTOCK_ASSIGN_OR_RETURN(const auto client, open_consumer(options));
  rd_kafka_topic_partition_list_t* assignment = rd_kafka_topic_partition_list_new(topic.partitions);
  for (int p = 0; p < topic.partitions; ++p)
    rd_kafka_topic_partition_list_add(assignment, topic.name.c_str(), p)->offset = start;
  rd_kafka_assign(client.get(), assignment);
  rd_kafka_topic_partition_list_destroy(assignment);

  std::set<int> at_end;
  std::int64_t seen = 0;
  while (!interrupted() && seen != options.count) {
    const std::unique_ptr<rd_kafka_message_t, MessageDelete> message(
        rd_kafka_consumer_poll(client.get(), 200));
    if (!message) continue;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      at_end.insert(message->partition);
      if (!options.follow && static_cast<int>(at_end.size()) == topic.partitions) break;
      std::fflush(stdout);
      continue;
    }
    if (message->err == RD_KAFKA_RESP_ERR__TRANSPORT ||
        message->err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
      if (options.follow) continue;  // librdkafka reconnects
    }
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
      return fail(Errc::kUnavailable, topic.name + ": " + rd_kafka_message_errstr(message.get()));
    if (at_end.erase(message->partition) != 0 && !options.follow) {
      at_end.insert(message->partition);  // came after the end was seen: not part of this reading
      continue;
    }
    print(options, *message);
    ++seen;
  }
  std::fflush(stdout);
  return {};
}

}  // namespace

void add_consume(CLI::App& app, Outcome& outcome) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("consume", "Print the records of a topic, a line each");
  command->footer("Example:\n  penstock consume flights --count 3 --json");
  command->add_option("topic", options->topic, "Topic")->required();
  command->add_option("--from", options->from, "beginning, end, or an offset")
      ->capture_default_str();
  command->add_option("--count", options->count, "Stop after so many records");
  command->add_flag("--follow", options->follow, "Go on at the end, waiting for new records");
  command->add_flag("--keys", options->keys, "Print key, tab, value");
  command->add_option("--bootstrap", options->bootstrap, "Address of a broker, HOST:PORT")
      ->capture_default_str();
  command->add_flag("--json", options->as_json,
                    "Print one JSON object a record, with offset, timestamp and headers");
  command->callback([options, &outcome] {
    if (const Status done = consume(*options); !done) outcome.failed(done.error());
  });
}

}  // namespace penstock::cli
