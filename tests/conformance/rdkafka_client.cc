#include "rdkafka_client.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>

namespace penstock::testing {

namespace {

constexpr int kTimeoutMs = 20'000;

rd_kafka_conf_t* make_config(const std::string& brokers, const ClientConfig& config) {
  char error[512];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  ClientConfig all = config;
  all["bootstrap.servers"] = brokers;
  for (const auto& [key, value] : all) {
    if (rd_kafka_conf_set(conf, key.c_str(), value.c_str(), error, sizeof error) !=
        RD_KAFKA_CONF_OK)
      throw std::runtime_error(error);
  }
  return conf;
}

rd_kafka_t* make_client(rd_kafka_type_t type, rd_kafka_conf_t* conf) {
  char error[512];
  rd_kafka_t* client = rd_kafka_new(type, conf, error, sizeof error);
  if (client == nullptr) throw std::runtime_error(error);
  return client;
}

std::optional<std::string> text(const void* data, std::size_t size) {
  if (data == nullptr) return std::nullopt;
  return std::string(static_cast<const char*>(data), size);
}

ClientRecord convert(const rd_kafka_message_t& message) {
  ClientRecord out;
  out.key = text(message.key, message.key_len);
  out.value = text(message.payload, message.len);
  out.offset = message.offset;
  out.timestamp_ms = rd_kafka_message_timestamp(&message, nullptr);
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t i = 0;
         rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
         ++i) {
      out.headers.emplace_back(name, text(value, size));
    }
  }
  return out;
}

}  // namespace

Producer::Producer(const std::string& brokers, ClientConfig config) {
  rd_kafka_conf_t* conf = make_config(brokers, config);
  rd_kafka_conf_set_opaque(conf, this);
  rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
  client_ = make_client(RD_KAFKA_PRODUCER, conf);
}

Producer::~Producer() {
  rd_kafka_purge(client_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_flush(client_, 1000);
  rd_kafka_destroy(client_);
}

void Producer::on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  auto* self = static_cast<Producer*>(opaque);
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    ++self->delivered_;
  } else {
    ++self->failed_;
    self->last_error_ = rd_kafka_err2name(message->err);
  }
}

void Producer::send(const std::string& topic, std::int32_t partition, const ClientRecord& record) {
  rd_kafka_headers_t* headers = rd_kafka_headers_new(record.headers.size());
  for (const auto& [name, value] : record.headers) {
    rd_kafka_header_add(headers, name.c_str(), static_cast<ssize_t>(name.size()),
                        value ? value->data() : nullptr,
                        value ? static_cast<ssize_t>(value->size()) : 0);
  }
  void* key = record.key ? const_cast<char*>(record.key->data()) : nullptr;
  const std::size_t key_size = record.key ? record.key->size() : 0;
  void* value = record.value ? const_cast<char*>(record.value->data()) : nullptr;
  const std::size_t value_size = record.value ? record.value->size() : 0;
  const std::int64_t timestamp = std::max<std::int64_t>(record.timestamp_ms, 0);
  const rd_kafka_resp_err_t error = rd_kafka_producev(
      client_, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY | RD_KAFKA_MSG_F_BLOCK),
      RD_KAFKA_V_KEY(key, key_size), RD_KAFKA_V_VALUE(value, value_size),
      RD_KAFKA_V_TIMESTAMP(timestamp), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    rd_kafka_headers_destroy(headers);
    throw std::runtime_error(rd_kafka_err2name(error));
  }
}

int Producer::flush(int timeout_ms) {
  if (rd_kafka_flush(client_, timeout_ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
    throw std::runtime_error("flush timed out");
  return failed_;
}

void Producer::poll(int timeout_ms) { rd_kafka_poll(client_, timeout_ms); }

std::vector<ClientRecord> read_all(const std::string& brokers, const std::string& topic,
                                   std::int32_t partition, std::int64_t from, ClientConfig config) {
  config.try_emplace("group.id", "unused");
  config.try_emplace("enable.auto.commit", "false");
  config.try_emplace("fetch.wait.max.ms", "20");
  config["enable.partition.eof"] = "true";
  rd_kafka_t* client = make_client(RD_KAFKA_CONSUMER, make_config(brokers, config));
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, topic.c_str(), partition)->offset = from;
  rd_kafka_assign(client, list);
  rd_kafka_topic_partition_list_destroy(list);
  std::vector<ClientRecord> out;
  std::string error;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kTimeoutMs);
  for (bool end = false; !end && error.empty();) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(client, 200);
    if (std::chrono::steady_clock::now() > deadline) error = "reading timed out";
    if (message == nullptr) continue;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
      out.push_back(convert(*message));
    else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
      end = true;
    else if (message->err != RD_KAFKA_RESP_ERR__TRANSPORT)
      error = rd_kafka_message_errstr(message);
    rd_kafka_message_destroy(message);
  }
  rd_kafka_consumer_close(client);
  rd_kafka_destroy(client);
  if (!error.empty()) throw std::runtime_error(error);
  return out;
}

std::int64_t offset_for_time(const std::string& brokers, const std::string& topic,
                             std::int32_t partition, std::int64_t timestamp_ms) {
  rd_kafka_t* client = make_client(RD_KAFKA_PRODUCER, make_config(brokers, {}));
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, topic.c_str(), partition)->offset = timestamp_ms;
  const rd_kafka_resp_err_t error = rd_kafka_offsets_for_times(client, list, kTimeoutMs);
  const std::int64_t offset = list->elems[0].offset;
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_destroy(client);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(rd_kafka_err2name(error));
  return offset;
}

}  // namespace penstock::testing
