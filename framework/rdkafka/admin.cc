#include "framework/rdkafka/admin.h"

#include <utility>

#include "framework/rdkafka/client_conf.h"

namespace penstock::rdkafka {
namespace {

struct NewTopicDeleter {
  void operator()(rd_kafka_NewTopic_t* topic) const { rd_kafka_NewTopic_destroy(topic); }
};
struct OptionsDeleter {
  void operator()(rd_kafka_AdminOptions_t* options) const {
    rd_kafka_AdminOptions_destroy(options);
  }
};
struct QueueDeleter {
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
};
struct EventDeleter {
  void operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
};

Errc code_of(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
      return Errc::kTimeout;
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR_NOT_CONTROLLER:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
      return Errc::kUnavailable;
    default:
      return Errc::kInvalid;
  }
}

}  // namespace

Result<std::unique_ptr<Admin>> Admin::open(const ClientSettings& settings) {
  PENSTOCK_ASSIGN_OR_RETURN(auto conf, make_conf(settings));
  PENSTOCK_ASSIGN_OR_RETURN(auto* handle, make_client(RD_KAFKA_PRODUCER, std::move(conf)));
  return std::unique_ptr<Admin>(new Admin(handle));
}

Admin::~Admin() { rd_kafka_destroy(handle_); }

Status Admin::create_topic(const NewTopic& topic, int timeout_ms) {
  std::array<char, 512> text{};
  const std::unique_ptr<rd_kafka_NewTopic_t, NewTopicDeleter> request(rd_kafka_NewTopic_new(
      topic.name.c_str(), topic.partitions, topic.replication_factor, text.data(), text.size()));
  if (!request) return fail(Errc::kInvalid, "topic \"" + topic.name + "\": " + text.data());
  for (const auto& [name, value] : topic.config) {
    rd_kafka_NewTopic_set_config(request.get(), name.c_str(), value.c_str());
  }
  const std::unique_ptr<rd_kafka_AdminOptions_t, OptionsDeleter> options(
      rd_kafka_AdminOptions_new(handle_, RD_KAFKA_ADMIN_OP_CREATETOPICS));
  rd_kafka_AdminOptions_set_request_timeout(options.get(), timeout_ms, text.data(), text.size());
  rd_kafka_AdminOptions_set_operation_timeout(options.get(), timeout_ms, text.data(), text.size());
  const std::unique_ptr<rd_kafka_queue_t, QueueDeleter> queue(rd_kafka_queue_new(handle_));
  rd_kafka_NewTopic_t* requests[] = {request.get()};
  rd_kafka_CreateTopics(handle_, requests, 1, options.get(), queue.get());
  const std::unique_ptr<rd_kafka_event_t, EventDeleter> event(
      rd_kafka_queue_poll(queue.get(), timeout_ms + 1000));
  if (!event)
    return fail(Errc::kTimeout, "creating topic \"" + topic.name + "\": no answer in time");
  auto error = rd_kafka_event_error(event.get());
  const char* why = rd_kafka_event_error_string(event.get());
  const auto* answer = rd_kafka_event_CreateTopics_result(event.get());
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR && answer != nullptr) {
    std::size_t count = 0;
    const auto** results = rd_kafka_CreateTopics_result_topics(answer, &count);
    if (count > 0) {
      error = rd_kafka_topic_result_error(results[0]);
      why = rd_kafka_topic_result_error_string(results[0]);
    }
  }
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
    return {};
  return fail(code_of(error), "creating topic \"" + topic.name +
                                  "\": " + (why != nullptr ? why : rd_kafka_err2str(error)));
}

Result<bool> Admin::topic_exists(const std::string& name, int timeout_ms) {
  const rd_kafka_metadata_t* metadata = nullptr;
  const auto error = rd_kafka_metadata(handle_, 1, nullptr, &metadata, timeout_ms);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return fail(code_of(error), std::string("asking for topics: ") + rd_kafka_err2str(error));
  bool there = false;
  for (int i = 0; i < metadata->topic_cnt && !there; ++i) there = name == metadata->topics[i].topic;
  rd_kafka_metadata_destroy(metadata);
  return there;
}

}  // namespace penstock::rdkafka
