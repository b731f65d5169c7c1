#include "framework/rdkafka/producer.h"

#include <sys/types.h>

#include <cerrno>
#include <unordered_map>
#include <utility>
#include <vector>

#include "framework/rdkafka/client_conf.h"

namespace penstock::rdkafka {
namespace {

void on_delivery(rd_kafka_t* client, const rd_kafka_message_t* message, void* opaque) {
  Delivery delivery;
  delivery.opaque = message->_private;
  delivery.ok = message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
  if (!delivery.ok) {
    delivery.error = rd_kafka_err2str(message->err);
    delivery.fatal = message->err == RD_KAFKA_RESP_ERR__FATAL ||
                     rd_kafka_fatal_error(client, nullptr, 0) != RD_KAFKA_RESP_ERR_NO_ERROR;
  }
  delivery.partition = message->partition;
  delivery.offset = message->offset;
  static_cast<DeliveryListener*>(opaque)->delivered(delivery);
}

const char* data_or_empty(const std::optional<std::string_view>& bytes) {
  if (!bytes) return nullptr;
  return bytes->data() == nullptr ? "" : bytes->data();
}
std::size_t size_or_zero(const std::optional<std::string_view>& bytes) {
  return bytes ? bytes->size() : 0;
}

struct HeadersDeleter {
  void operator()(rd_kafka_headers_t* headers) const { rd_kafka_headers_destroy(headers); }
};
using Headers = std::unique_ptr<rd_kafka_headers_t, HeadersDeleter>;

Headers copy_headers(std::span<const HeaderView> views) {
  Headers headers(rd_kafka_headers_new(views.size()));
  for (const HeaderView& view : views) {
    rd_kafka_header_add(headers.get(), view.name.data(), static_cast<ssize_t>(view.name.size()),
                        data_or_empty(view.value),
                        view.value ? static_cast<ssize_t>(view.value->size()) : ssize_t{0});
  }
  return headers;
}

rd_kafka_resp_err_t produce_full(rd_kafka_t* client, rd_kafka_topic_t* topic,
                                 const Outgoing& record) {
  rd_kafka_vu_t parts[7] = {};
  std::size_t n = 0;
  parts[n].vtype = RD_KAFKA_VTYPE_RKT;
  parts[n++].u.rkt = topic;
  parts[n].vtype = RD_KAFKA_VTYPE_PARTITION;
  parts[n++].u.i32 = record.partition;
  parts[n].vtype = RD_KAFKA_VTYPE_KEY;
  parts[n].u.mem.ptr = const_cast<char*>(data_or_empty(record.key));
  parts[n++].u.mem.size = size_or_zero(record.key);
  parts[n].vtype = RD_KAFKA_VTYPE_VALUE;
  parts[n].u.mem.ptr = const_cast<char*>(data_or_empty(record.value));
  parts[n++].u.mem.size = size_or_zero(record.value);
  parts[n].vtype = RD_KAFKA_VTYPE_OPAQUE;
  parts[n++].u.ptr = record.opaque;
  if (record.timestamp_ms >= 0) {
    parts[n].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
    parts[n++].u.i64 = record.timestamp_ms;
  }
  Headers headers;
  if (!record.headers.empty()) {
    headers = copy_headers(record.headers);
    parts[n].vtype = RD_KAFKA_VTYPE_HEADERS;
    parts[n++].u.headers = headers.get();
  }
  rd_kafka_error_t* error = rd_kafka_produceva(client, parts, n);
  if (error == nullptr) {
    static_cast<void>(headers.release());  // taken over with the message
    return RD_KAFKA_RESP_ERR_NO_ERROR;
  }
  const auto code = rd_kafka_error_code(error);
  rd_kafka_error_destroy(error);
  return code;
}

}  // namespace

struct Producer::Topics {
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  std::unordered_map<std::string, rd_kafka_topic_t*, Hash, std::equal_to<>> by_name;
  std::string_view last_name;
  rd_kafka_topic_t* last = nullptr;
};

Result<std::unique_ptr<Producer>> Producer::open(const ClientSettings& settings,
                                                 DeliveryListener& listener) {
  PENSTOCK_ASSIGN_OR_RETURN(auto conf, make_conf(settings));
  rd_kafka_conf_set_opaque(conf.get(), &listener);
  rd_kafka_conf_set_dr_msg_cb(conf.get(), &on_delivery);
  std::unique_ptr<Producer> producer(new Producer());
  producer->topics_ = std::make_unique<Topics>();
  PENSTOCK_ASSIGN_OR_RETURN(producer->handle_, make_client(RD_KAFKA_PRODUCER, std::move(conf)));
  return producer;
}

Producer::~Producer() {
  if (handle_ == nullptr) return;
  rd_kafka_purge(
      handle_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
  for (const auto& [name, topic] : topics_->by_name) rd_kafka_topic_destroy(topic);
  rd_kafka_destroy_flags(handle_, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

Result<rd_kafka_topic_s*> Producer::topic(std::string_view name) {
  if (topics_->last != nullptr && topics_->last_name == name) return topics_->last;
  auto found = topics_->by_name.find(name);
  if (found == topics_->by_name.end()) {
    const std::string text(name);
    rd_kafka_topic_t* made = rd_kafka_topic_new(handle_, text.c_str(), nullptr);
    if (made == nullptr) {
      return fail(Errc::kInvalid,
                  "topic \"" + text + "\": " + rd_kafka_err2str(rd_kafka_last_error()));
    }
    found = topics_->by_name.emplace(text, made).first;
  }
  topics_->last_name = found->first;
  topics_->last = found->second;
  return topics_->last;
}

Status Producer::produce(const Outgoing& record) {
  PENSTOCK_ASSIGN_OR_RETURN(rd_kafka_topic_t * to, topic(record.topic));
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
  if (record.headers.empty() && record.timestamp_ms < 0) {
    // No copy: the caller keeps the value alive until delivery.
    const int result =
        rd_kafka_produce(to, record.partition, 0, const_cast<char*>(data_or_empty(record.value)),
                         size_or_zero(record.value), data_or_empty(record.key),
                         size_or_zero(record.key), record.opaque);
    if (result != 0) error = rd_kafka_last_error();
  } else {
    error = produce_full(handle_, to, record);
  }
  switch (error) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
      return {};
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
      return fail(Errc::kBusy, "producer queue full");
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
      return fail(Errc::kTooLarge,
                  "record of " +
                      std::to_string(size_or_zero(record.key) + size_or_zero(record.value)) +
                      " bytes is longer than the producer's message.max.bytes");
    case RD_KAFKA_RESP_ERR__FATAL:
      return fail(Errc::kOffline, fatal().value_or("fatal producer error"));
    default:
      return fail(Errc::kInvalid,
                  "topic \"" + std::string(record.topic) + "\": " + rd_kafka_err2str(error));
  }
}

void Producer::poll(int timeout_ms) { rd_kafka_poll(handle_, timeout_ms); }
void Producer::kick() { rd_kafka_flush(handle_, 0); }
int Producer::queued() const { return rd_kafka_outq_len(handle_); }

std::optional<std::string> Producer::fatal() const {
  std::array<char, 512> text{};
  const auto code = rd_kafka_fatal_error(handle_, text.data(), text.size());
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
  return std::string(rd_kafka_err2name(code)) + ": " + text.data();
}

}  // namespace penstock::rdkafka
