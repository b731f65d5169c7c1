#include <librdkafka/rdkafka.h>
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "framework/cli/command.h"
#include "framework/cli/table.h"

namespace penstock::cli {

namespace {

struct Options {
  std::string bootstrap = kDefaultBootstrap;
  bool as_json = false;
  std::string topic;
  std::string file;
  std::string separator;
  int partition = -1;
  std::string compression = "none";
  std::vector<std::string> headers;
};

struct Delivery {
  std::int64_t acknowledged = 0;
  std::int64_t refused = 0;
  std::string first_error;
};

void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  auto& delivery = *static_cast<Delivery*>(opaque);
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    ++delivery.acknowledged;
    return;
  }
  if (delivery.refused++ == 0) delivery.first_error = rd_kafka_err2str(message->err);
}
void drop_log(const rd_kafka_t*, int, const char*, const char*) {}

struct ClientDelete {
  void operator()(rd_kafka_t* client) const { rd_kafka_destroy(client); }
};
using Client = std::unique_ptr<rd_kafka_t, ClientDelete>;

Result<Client> open_producer(const Options& options, Delivery& delivery) {
  char text[512];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set_opaque(conf, &delivery);
  rd_kafka_conf_set_dr_msg_cb(conf, &on_delivery);
  rd_kafka_conf_set_log_cb(conf, &drop_log);
  const std::pair<const char*, const char*> settings[] = {
      {"bootstrap.servers", options.bootstrap.c_str()},
      {"client.id", "penstock-cli"},
      {"partitioner", "murmur2_random"},
      {"enable.idempotence", "true"},
      {"compression.codec", options.compression.c_str()},
      {"message.max.bytes", "104857600"},
      {"message.timeout.ms", "30000"}};
  for (const auto& [key, value] : settings) {
    if (rd_kafka_conf_set(conf, key, value, text, sizeof text) != RD_KAFKA_CONF_OK) {
      rd_kafka_conf_destroy(conf);
      return fail(Errc::kInvalid, text);
    }
  }
  Client client(rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text));
  if (!client) return fail(Errc::kInvalid, text);
  return client;
}

Status send(rd_kafka_t* client, const Options& options, const std::string& line) {
  std::optional<std::string_view> key;
  std::string_view value = line;
  if (!options.separator.empty()) {
    const auto at = value.find(options.separator);
    if (at == std::string_view::npos) {
      return fail(Errc::kInvalid, "a line has no key separator \"" + options.separator +
                                      "\": " + line.substr(0, 80));
    }
    key = value.substr(0, at);
    value = value.substr(at + options.separator.size());
  }
  rd_kafka_headers_t* headers = rd_kafka_headers_new(options.headers.size());
  for (const std::string& header : options.headers) {
    const auto equals = header.find('=');
    rd_kafka_header_add(headers, header.data(), static_cast<ssize_t>(equals),
                        header.data() + equals + 1,
                        static_cast<ssize_t>(header.size() - equals - 1));
  }
  const char* key_bytes = key ? key->data() : nullptr;
  const std::size_t key_size = key ? key->size() : 0;
  for (;;) {
    const auto error = rd_kafka_producev(
        client, RD_KAFKA_V_TOPIC(options.topic.c_str()), RD_KAFKA_V_PARTITION(options.partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
        RD_KAFKA_V_KEY(key_bytes, key_size), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL || interrupted()) {
      rd_kafka_headers_destroy(headers);
      return fail(Errc::kInvalid, std::string("cannot produce to ") + options.topic + ": " +
                                      rd_kafka_err2str(error));
    }
    rd_kafka_poll(client, 100);
  }
}

Status produce(const Options& options) {
  for (const std::string& header : options.headers) {
    if (header.find('=') == std::string::npos)
      return fail(Errc::kInvalid, "--header takes NAME=VALUE, not \"" + header + "\"");
  }
  std::ifstream file;
  if (!options.file.empty()) {
    file.open(options.file, std::ios::binary);
    if (!file) return fail(Errc::kNotFound, options.file + ": cannot be opened");
  }
  std::istream& input = options.file.empty() ? std::cin : file;
  Delivery delivery;
  PENSTOCK_ASSIGN_OR_RETURN(const Client client, open_producer(options, delivery));
  std::string line;
  std::int64_t sent = 0;
  while (!interrupted() && std::getline(input, line)) {
    PENSTOCK_RETURN_IF_ERROR(send(client.get(), options, line));
    if (++sent % 1000 == 0) rd_kafka_poll(client.get(), 0);
  }
  while (rd_kafka_flush(client.get(), 1000) == RD_KAFKA_RESP_ERR__TIMED_OUT && !interrupted()) {
  }
  if (options.as_json) {
    std::printf("%s\n", nlohmann::json{{"topic", options.topic},
                                       {"acknowledged", delivery.acknowledged},
                                       {"refused", delivery.refused}}
                            .dump()
                            .c_str());
  } else {
    std::printf("%s records acknowledged in %s\n", with_commas(delivery.acknowledged).c_str(),
                options.topic.c_str());
  }
  if (delivery.acknowledged == sent) return {};
  return fail(Errc::kUnavailable,
              std::to_string(sent - delivery.acknowledged) + " of " + std::to_string(sent) +
                  " records were not acknowledged" +
                  (delivery.first_error.empty() ? "" : ": " + delivery.first_error));
}

}  // namespace

void add_produce(CLI::App& app, Outcome& outcome) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("produce", "Each line of standard input, or of a file, becomes a record");
  command->footer(
      "Example:\n  printf 'k1:hello\\nk2:world\\n' | penstock produce greetings --key-separator :");
  command->add_option("topic", options->topic, "Topic")->required();
  command->add_option("--file", options->file,
                      "Read lines from this file instead of standard input");
  command->add_option("--key-separator", options->separator,
                      "What stands before it in a line is the key");
  command->add_option("--partition", options->partition, "Partition; chosen by key if left out");
  command->add_option("--compression", options->compression, "none, gzip, snappy, lz4 or zstd")
      ->check(CLI::IsMember({"none", "gzip", "snappy", "lz4", "zstd"}))
      ->capture_default_str();
  command->add_option("--header", options->headers, "NAME=VALUE for every record; may be repeated");
  command->add_option("--bootstrap", options->bootstrap, "Address of a broker, HOST:PORT")
      ->capture_default_str();
  command->add_flag("--json", options->as_json, "Print JSON");
  command->callback([options, &outcome] {
    if (const Status done = produce(*options); !done) outcome.failed(done.error());
  });
}

}  // namespace penstock::cli
