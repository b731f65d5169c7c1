#include "framework/rdkafka/consumer.h"

#include <chrono>
#include <utility>

#include "framework/rdkafka/client_conf.h"

namespace penstock::rdkafka {
namespace {

constexpr int kCommittedTimeoutMs = 10'000;
constexpr int kCommittedAttempts = 6;
constexpr std::chrono::seconds kCloseWait{2};

PartitionList make_list(const std::vector<PartitionOffset>& from) {
  PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(from.size())));
  for (const auto& [topic, partition, offset] : from) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = offset;
  }
  return list;
}

std::vector<PartitionOffset> read_list(const rd_kafka_topic_partition_list_t& list) {
  std::vector<PartitionOffset> out;
  out.reserve(static_cast<std::size_t>(list.cnt));
  for (int i = 0; i < list.cnt; ++i) {
    out.push_back({list.elems[i].topic, list.elems[i].partition, list.elems[i].offset});
  }
  return out;
}

Errc code_of(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST:
    case RD_KAFKA_RESP_ERR__STATE:
      return Errc::kConflict;
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
      return Errc::kUnavailable;
    default:
      return Errc::kInvalid;
  }
}

MessageBatch::Kind kind_of(const rd_kafka_message_t& message) {
  switch (message.err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
      return MessageBatch::Kind::kRecord;
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      return MessageBatch::Kind::kEnd;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      return MessageBatch::Kind::kOutOfRange;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return MessageBatch::Kind::kTopicMissing;
    case RD_KAFKA_RESP_ERR__FATAL:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
      return MessageBatch::Kind::kFatal;
    default:
      return MessageBatch::Kind::kTransient;
  }
}

std::optional<std::string_view> bytes_of(const void* data, std::size_t size) {
  if (data == nullptr) return std::nullopt;
  return std::string_view(static_cast<const char*>(data), size);
}

}  // namespace

void MessageBatch::clear() { truncate(0); }

void MessageBatch::truncate(std::size_t first) {
  while (messages_.size() > first) {
    rd_kafka_message_destroy(messages_.back());
    messages_.pop_back();
  }
}

MessageBatch::View MessageBatch::view(std::size_t i) const {
  const rd_kafka_message_t& message = *messages_[i];
  View out;
  out.kind = kind_of(message);
  if (message.rkt != nullptr) out.topic = rd_kafka_topic_name(message.rkt);
  out.partition = message.partition;
  out.offset = message.offset;
  if (out.kind != Kind::kRecord) {
    const char* text = rd_kafka_message_errstr(&message);
    out.error = text != nullptr ? text : rd_kafka_err2str(message.err);
    return out;
  }
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  out.timestamp_ms = rd_kafka_message_timestamp(&message, &type);
  out.key = bytes_of(message.key, message.key_len);
  out.value = bytes_of(message.payload, message.len);
  return out;
}

void MessageBatch::headers(std::size_t i, std::vector<HeaderView>& out) const {
  out.clear();
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(messages_[i], &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t n = 0;
       rd_kafka_header_get_all(headers, n, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++n) {
    out.push_back({name, bytes_of(value, size)});
  }
}

Result<std::unique_ptr<Consumer>> Consumer::open(const ClientSettings& settings,
                                                 RebalanceListener& listener) {
  PENSTOCK_ASSIGN_OR_RETURN(auto conf, make_conf(settings));
  std::unique_ptr<Consumer> consumer(new Consumer());
  consumer->listener_ = &listener;
  if (settings.initial_offset == "latest") consumer->initial_offset_ = PartitionOffset::kEnd;
  if (settings.initial_offset == "none") consumer->initial_offset_ = PartitionOffset::kNone;
  rd_kafka_conf_set_opaque(conf.get(), consumer.get());
  rd_kafka_conf_set_rebalance_cb(
      conf.get(),
      [](rd_kafka_t* handle, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t* list,
         void* opaque) { on_rebalance(handle, error, list, opaque); });
  PENSTOCK_ASSIGN_OR_RETURN(consumer->handle_, make_client(RD_KAFKA_CONSUMER, std::move(conf)));
  rd_kafka_poll_set_consumer(consumer->handle_);
  consumer->queue_ = rd_kafka_queue_get_consumer(consumer->handle_);
  return consumer;
}

Consumer::~Consumer() {
  if (handle_ == nullptr) return;
  close();
  if (queue_ != nullptr) rd_kafka_queue_destroy(queue_);
  rd_kafka_destroy_flags(handle_, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

void Consumer::close() {
  if (closed_) return;
  closed_ = true;
  // rd_kafka_consumer_close() waits for the coordinator as long as a session lasts.
  if (rd_kafka_error_t* error = rd_kafka_consumer_close_queue(handle_, queue_)) {
    rd_kafka_error_destroy(error);
    return;
  }
  constexpr int kPieceMs = 50;
  const auto end = std::chrono::steady_clock::now() + kCloseWait;
  while (rd_kafka_consumer_closed(handle_) == 0 && std::chrono::steady_clock::now() < end) {
    MessageBatch dropped;
    fetch(dropped, 1, kPieceMs);  // calls the listener
  }
}

Status Consumer::subscribe(const std::vector<std::string>& topics) {
  PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(topics.size())));
  for (const auto& topic : topics)
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  const auto error = rd_kafka_subscribe(handle_, list.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return fail(Errc::kInvalid, std::string("subscribing: ") + rd_kafka_err2str(error));
  return {};
}

void Consumer::on_rebalance(rd_kafka_s*, int error, rd_kafka_topic_partition_list_s* partitions,
                            void* opaque) {
  auto* self = static_cast<Consumer*>(opaque);
  if (error == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    self->assign(partitions);
    return;
  }
  if (error == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) {
    self->revoke(partitions);
    return;
  }
  rd_kafka_assign(self->handle_, nullptr);
  self->listener_->failed(
      {Errc::kUnavailable, std::string("group rebalance: ") +
                               rd_kafka_err2str(static_cast<rd_kafka_resp_err_t>(error))});
}

void Consumer::assign(rd_kafka_topic_partition_list_s* partitions) {
  auto error = RD_KAFKA_RESP_ERR_NO_ERROR;
  if (partitions->cnt > 0) {
    for (int attempt = 0; attempt < kCommittedAttempts; ++attempt) {
      error = rd_kafka_committed(handle_, partitions, kCommittedTimeoutMs);
      if (error == RD_KAFKA_RESP_ERR_NO_ERROR || code_of(error) != Errc::kUnavailable) break;
    }
  }
  for (int i = 0; i < partitions->cnt && error == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
    error = partitions->elems[i].err;
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    rd_kafka_assign(handle_, nullptr);
    listener_->failed(
        {code_of(error), std::string("reading the group's offsets: ") + rd_kafka_err2str(error)});
    return;
  }
  auto offsets = read_list(*partitions);
  listener_->assigned(offsets);
  for (auto& partition : offsets) {
    if (partition.offset != PartitionOffset::kNone) continue;
    if (initial_offset_ == PartitionOffset::kNone) {
      rd_kafka_assign(handle_, nullptr);
      listener_->failed({Errc::kOutOfRange,
                         partition.topic + "-" + std::to_string(partition.partition) +
                             ": the group has no offset stored, and auto.offset.reset is none"});
      return;
    }
    partition.offset = initial_offset_;
  }
  rd_kafka_assign(handle_, make_list(offsets).get());
}

void Consumer::revoke(rd_kafka_topic_partition_list_s* partitions) {
  listener_->revoked(read_list(*partitions), rd_kafka_assignment_lost(handle_) != 0);
  rd_kafka_assign(handle_, nullptr);
}

void Consumer::fetch(MessageBatch& out, std::size_t max, int timeout_ms) {
  const auto before = out.messages_.size();
  out.messages_.resize(before + max);
  const auto got =
      rd_kafka_consume_batch_queue(queue_, timeout_ms, out.messages_.data() + before, max);
  out.messages_.resize(before + static_cast<std::size_t>(got > 0 ? got : 0));
}

void Consumer::consume(MessageBatch& out, std::size_t max, int wait_ms, int linger_ms) {
  const auto before = out.size();
  fetch(out, 1, wait_ms);
  if (out.size() > before && max > 1) fetch(out, max - 1, linger_ms);
}

Status Consumer::pause(const std::vector<PartitionOffset>& partitions) {
  const auto error = rd_kafka_pause_partitions(handle_, make_list(partitions).get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return fail(code_of(error), std::string("pausing: ") + rd_kafka_err2str(error));
  return {};
}
Status Consumer::resume(const std::vector<PartitionOffset>& partitions) {
  const auto error = rd_kafka_resume_partitions(handle_, make_list(partitions).get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return fail(code_of(error), std::string("resuming: ") + rd_kafka_err2str(error));
  return {};
}

Status Consumer::seek(const std::vector<PartitionOffset>& offsets) {
  constexpr int kTimeoutMs = 10'000;
  const auto list = make_list(offsets);
  rd_kafka_error_t* error = rd_kafka_seek_partitions(handle_, list.get(), kTimeoutMs);
  if (error != nullptr) {
    auto failed = fail(code_of(rd_kafka_error_code(error)),
                       std::string("seeking: ") + rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return failed;
  }
  for (int i = 0; i < list->cnt; ++i) {
    if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return fail(code_of(list->elems[i].err),
                  std::string("seeking: ") + rd_kafka_err2str(list->elems[i].err));
    }
  }
  return {};
}

std::size_t Consumer::queued() const { return rd_kafka_queue_length(queue_); }

void Consumer::nudge(const std::string& topic, std::int32_t partition) {
  constexpr int kTimeoutMs = 1'000;
  std::int64_t low = 0, high = 0;
  // The answer does not matter: fetching goes on by itself after at most a second.
  rd_kafka_query_watermark_offsets(handle_, topic.c_str(), partition, &low, &high, kTimeoutMs);
}

std::int64_t Consumer::known_end(const std::string& topic, std::int32_t partition) const {
  std::int64_t low = -1, high = -1;
  const auto error = rd_kafka_get_watermark_offsets(handle_, topic.c_str(), partition, &low, &high);
  return error == RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0 ? high : -1;
}

Status Consumer::commit(const std::vector<PartitionOffset>& offsets, int timeout_ms) {
  if (offsets.empty()) return {};
  // rd_kafka_commit() waits for the coordinator as long as a session lasts.
  const std::unique_ptr<rd_kafka_queue_t, void (*)(rd_kafka_queue_t*)> answers(
      rd_kafka_queue_new(handle_), rd_kafka_queue_destroy);
  auto error =
      rd_kafka_commit_queue(handle_, make_list(offsets).get(), answers.get(), nullptr, nullptr);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
    const std::unique_ptr<rd_kafka_event_t, void (*)(rd_kafka_event_t*)> answer(
        rd_kafka_queue_poll(answers.get(), timeout_ms), rd_kafka_event_destroy);
    if (!answer)
      return fail(Errc::kUnavailable,
                  "storing the group's offsets: no answer of the coordinator in " +
                      std::to_string(timeout_ms) + " ms");
    error = rd_kafka_event_error(answer.get());
    const auto* list = rd_kafka_event_topic_partition_list(answer.get());
    for (int i = 0; list != nullptr && i < list->cnt && error == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
      error = list->elems[i].err;
  }
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR__NO_OFFSET) return {};
  return fail(code_of(error),
              std::string("storing the group's offsets: ") + rd_kafka_err2str(error));
}

Result<std::pair<std::int64_t, std::int64_t>> Consumer::bounds(const std::string& topic,
                                                               std::int32_t partition,
                                                               int timeout_ms) {
  std::pair<std::int64_t, std::int64_t> out;
  const auto error = rd_kafka_query_watermark_offsets(handle_, topic.c_str(), partition, &out.first,
                                                      &out.second, timeout_ms);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return fail(code_of(error), topic + "-" + std::to_string(partition) +
                                    ": reading offsets: " + rd_kafka_err2str(error));
  }
  return out;
}

Result<std::string> Consumer::cluster_id(int timeout_ms) {
  // rd_kafka_clusterid() alone gives what an earlier answer said.
  const rd_kafka_metadata_t* metadata = nullptr;
  const auto error = rd_kafka_metadata(handle_, 0, nullptr, &metadata, timeout_ms);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return fail(code_of(error),
                std::string("reading the cluster's id: ") + rd_kafka_err2str(error));
  rd_kafka_metadata_destroy(metadata);
  char* id = rd_kafka_clusterid(handle_, timeout_ms);
  if (id == nullptr) return std::string();
  std::string out = id;
  rd_kafka_mem_free(handle_, id);
  return out;
}

}  // namespace penstock::rdkafka
