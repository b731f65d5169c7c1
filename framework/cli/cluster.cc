#include "framework/cli/cluster.h"

#include <librdkafka/rdkafka.h>

#include <array>
#include <utility>

namespace penstock::cli {

namespace {

struct Delete {
  void operator()(rd_kafka_queue_t* p) const { rd_kafka_queue_destroy(p); }
  void operator()(rd_kafka_event_t* p) const { rd_kafka_event_destroy(p); }
  void operator()(rd_kafka_AdminOptions_t* p) const { rd_kafka_AdminOptions_destroy(p); }
  void operator()(rd_kafka_NewTopic_t* p) const { rd_kafka_NewTopic_destroy(p); }
  void operator()(rd_kafka_DeleteTopic_t* p) const { rd_kafka_DeleteTopic_destroy(p); }
  void operator()(rd_kafka_DeleteGroup_t* p) const { rd_kafka_DeleteGroup_destroy(p); }
  void operator()(rd_kafka_topic_partition_list_t* p) const {
    rd_kafka_topic_partition_list_destroy(p);
  }
  void operator()(const rd_kafka_metadata_t* p) const { rd_kafka_metadata_destroy(p); }
  void operator()(const rd_kafka_group_list* p) const { rd_kafka_group_list_destroy(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Delete>;

void drop_log(const rd_kafka_t*, int, const char*, const char*) {}

Result<rd_kafka_t*> make_client(rd_kafka_type_t type, const std::string& bootstrap,
                                const std::string& group) {
  std::array<char, 512> text{};
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set_log_cb(conf, &drop_log);
  const std::pair<const char*, std::string> settings[] = {
      {"bootstrap.servers", bootstrap},
      {"client.id", "penstock-cli"},
      {"socket.connection.setup.timeout.ms", "5000"},
      {"allow.auto.create.topics", "false"},
      {"group.id", group},
      {"enable.auto.commit", "false"}};
  for (const auto& [key, value] : settings) {
    const bool consumer_only = std::string(key) != "bootstrap.servers" &&
                               std::string(key) != "client.id" &&
                               std::string(key) != "socket.connection.setup.timeout.ms";
    if (consumer_only && type == RD_KAFKA_PRODUCER) continue;
    if (rd_kafka_conf_set(conf, key, value.c_str(), text.data(), text.size()) != RD_KAFKA_CONF_OK) {
      rd_kafka_conf_destroy(conf);
      return fail(Errc::kInvalid, text.data());
    }
  }
  rd_kafka_t* client = rd_kafka_new(type, conf, text.data(), text.size());
  if (client == nullptr) {
    rd_kafka_conf_destroy(conf);
    return fail(Errc::kInvalid, text.data());
  }
  return client;
}

Errc code_of(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
      return Errc::kExists;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND:
      return Errc::kNotFound;
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
      return Errc::kUnavailable;
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
      return Errc::kBusy;
    default:
      return Errc::kInvalid;
  }
}

}  // namespace

Result<Cluster> Cluster::open(const std::string& bootstrap, int timeout_ms) {
  PENSTOCK_ASSIGN_OR_RETURN(rd_kafka_t* const client,
                            make_client(RD_KAFKA_PRODUCER, bootstrap, ""));
  return Cluster(bootstrap, timeout_ms, client);
}

Cluster::Cluster(std::string bootstrap, int timeout_ms, rd_kafka_t* client)
    : bootstrap_(std::move(bootstrap)), timeout_ms_(timeout_ms), client_(client) {}
Cluster::Cluster(Cluster&& other) noexcept
    : bootstrap_(std::move(other.bootstrap_)),
      timeout_ms_(other.timeout_ms_),
      client_(std::exchange(other.client_, nullptr)),
      group_clients_(std::exchange(other.group_clients_, {})) {}
Cluster& Cluster::operator=(Cluster&& other) noexcept {
  std::swap(bootstrap_, other.bootstrap_);
  std::swap(timeout_ms_, other.timeout_ms_);
  std::swap(client_, other.client_);
  std::swap(group_clients_, other.group_clients_);
  return *this;
}
Cluster::~Cluster() {
  for (auto& [group, client] : group_clients_) rd_kafka_destroy(client);
  if (client_ != nullptr) rd_kafka_destroy(client_);
}

namespace {

Error cluster_error(const std::string& bootstrap, rd_kafka_resp_err_t error,
                    const std::string& what, const char* detail = nullptr) {
  std::string text =
      what + ": " + (detail != nullptr && *detail != '\0' ? detail : rd_kafka_err2str(error));
  if (code_of(error) == Errc::kUnavailable) text += "; is a broker listening at " + bootstrap + "?";
  return Error{code_of(error), std::move(text)};
}

std::vector<TopicInfo> topics_of(const rd_kafka_metadata_t& metadata) {
  std::vector<TopicInfo> out;
  for (int i = 0; i < metadata.topic_cnt; ++i) {
    const rd_kafka_metadata_topic_t& topic = metadata.topics[i];
    if (topic.err != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    out.push_back({topic.topic, topic.partition_cnt,
                   topic.partition_cnt > 0 ? topic.partitions[0].replica_cnt : 0});
  }
  return out;
}

}  // namespace

Result<std::string> Cluster::id() {
  char* id = rd_kafka_clusterid(client_, timeout_ms_);
  if (id == nullptr) {
    return tl::make_unexpected(
        cluster_error(bootstrap_, RD_KAFKA_RESP_ERR__TIMED_OUT, "cannot learn the cluster's id"));
  }
  std::string out(id);
  rd_kafka_mem_free(client_, id);
  return out;
}

Result<std::vector<TopicInfo>> Cluster::topics() {
  const rd_kafka_metadata_t* raw = nullptr;
  const auto error = rd_kafka_metadata(client_, 1, nullptr, &raw, timeout_ms_);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return tl::make_unexpected(cluster_error(bootstrap_, error, "cannot list the topics"));
  const Owned<const rd_kafka_metadata_t> metadata(raw);
  return topics_of(*metadata);
}

Result<TopicInfo> Cluster::topic(const std::string& name) {
  // Asking for one topic by name could create it; the whole list never does.
  PENSTOCK_ASSIGN_OR_RETURN(const auto all, topics());
  for (const TopicInfo& info : all) {
    if (info.name == name) return info;
  }
  return fail(Errc::kNotFound, "there is no topic \"" + name + "\" at " + bootstrap_);
}

namespace {

/// Waits for one admin answer and gives its event, or why there is none.
Result<Owned<rd_kafka_event_t>> wait_for(rd_kafka_queue_t* queue, int timeout_ms,
                                         const std::string& bootstrap, const std::string& what) {
  Owned<rd_kafka_event_t> event(rd_kafka_queue_poll(queue, timeout_ms + 2000));
  if (!event)
    return tl::make_unexpected(cluster_error(bootstrap, RD_KAFKA_RESP_ERR__TIMED_OUT, what));
  const auto error = rd_kafka_event_error(event.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return tl::make_unexpected(
        cluster_error(bootstrap, error, what, rd_kafka_event_error_string(event.get())));
  return event;
}

Owned<rd_kafka_AdminOptions_t> options_for(rd_kafka_t* client, rd_kafka_admin_op_t op,
                                           int timeout_ms) {
  Owned<rd_kafka_AdminOptions_t> options(rd_kafka_AdminOptions_new(client, op));
  std::array<char, 256> text{};
  rd_kafka_AdminOptions_set_request_timeout(options.get(), timeout_ms, text.data(), text.size());
  return options;
}

Status topic_status(const rd_kafka_topic_result_t* const* results, std::size_t count,
                    const std::string& bootstrap, const std::string& what) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto error = rd_kafka_topic_result_error(results[i]);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return tl::make_unexpected(
          cluster_error(bootstrap, error, what, rd_kafka_topic_result_error_string(results[i])));
    }
  }
  return {};
}

}  // namespace

Status Cluster::create_topic(const std::string& name, int partitions, int replication_factor,
                             const std::map<std::string, std::string>& config) {
  const std::string what = "cannot create topic \"" + name + "\"";
  std::array<char, 512> text{};
  const Owned<rd_kafka_NewTopic_t> topic(rd_kafka_NewTopic_new(
      name.c_str(), partitions, replication_factor, text.data(), text.size()));
  if (!topic) return fail(Errc::kInvalid, what + ": " + text.data());
  for (const auto& [key, value] : config) {
    if (rd_kafka_NewTopic_set_config(topic.get(), key.c_str(), value.c_str()) !=
        RD_KAFKA_RESP_ERR_NO_ERROR) {
      return fail(Errc::kInvalid, what + ": bad setting " + key);
    }
  }
  const Owned<rd_kafka_queue_t> queue(rd_kafka_queue_new(client_));
  const auto options = options_for(client_, RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout_ms_);
  rd_kafka_NewTopic_t* list[] = {topic.get()};
  rd_kafka_CreateTopics(client_, list, 1, options.get(), queue.get());
  PENSTOCK_ASSIGN_OR_RETURN(const auto event, wait_for(queue.get(), timeout_ms_, bootstrap_, what));
  std::size_t count = 0;
  const auto* results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  return topic_status(results, count, bootstrap_, what);
}

Status Cluster::delete_topic(const std::string& name) {
  const std::string what = "cannot delete topic \"" + name + "\"";
  const Owned<rd_kafka_DeleteTopic_t> topic(rd_kafka_DeleteTopic_new(name.c_str()));
  const Owned<rd_kafka_queue_t> queue(rd_kafka_queue_new(client_));
  const auto options = options_for(client_, RD_KAFKA_ADMIN_OP_DELETETOPICS, timeout_ms_);
  rd_kafka_DeleteTopic_t* list[] = {topic.get()};
  rd_kafka_DeleteTopics(client_, list, 1, options.get(), queue.get());
  PENSTOCK_ASSIGN_OR_RETURN(const auto event, wait_for(queue.get(), timeout_ms_, bootstrap_, what));
  std::size_t count = 0;
  const auto* results =
      rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event.get()), &count);
  return topic_status(results, count, bootstrap_, what);
}

Result<PartitionEnds> Cluster::ends(const std::string& topic, int partition) {
  PartitionEnds out;
  const auto error = rd_kafka_query_watermark_offsets(client_, topic.c_str(), partition, &out.first,
                                                      &out.end, timeout_ms_);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return tl::make_unexpected(cluster_error(
        bootstrap_, error, "cannot ask for the end of " + topic + "-" + std::to_string(partition)));
  }
  return out;
}

Result<std::vector<GroupInfo>> Cluster::groups() {
  const rd_kafka_group_list* raw = nullptr;
  const auto error = rd_kafka_list_groups(client_, nullptr, &raw, timeout_ms_);
  const Owned<const rd_kafka_group_list> list(raw);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return tl::make_unexpected(cluster_error(bootstrap_, error, "cannot list the groups"));
  std::vector<GroupInfo> out;
  for (int i = 0; i < list->group_cnt; ++i) {
    const rd_kafka_group_info& from = list->groups[i];
    GroupInfo group{from.group, from.state, from.protocol_type, {}};
    for (int m = 0; m < from.member_cnt; ++m) {
      const rd_kafka_group_member_info& member = from.members[m];
      group.members.push_back({member.member_id, member.client_id, member.client_host});
    }
    out.push_back(std::move(group));
  }
  return out;
}

Result<std::map<PartitionKey, std::int64_t>> Cluster::committed(
    const std::string& group, const std::vector<PartitionKey>& partitions) {
  std::map<PartitionKey, std::int64_t> out;
  if (partitions.empty()) return out;
  auto& client = group_clients_[group];
  if (client == nullptr) {
    auto made = make_client(RD_KAFKA_CONSUMER, bootstrap_, group);
    if (!made) return tl::make_unexpected(std::move(made).error());
    client = *made;
  }
  const Owned<rd_kafka_topic_partition_list_t> list(
      rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const auto& [topic, partition] : partitions)
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition);
  const auto error = rd_kafka_committed(client, list.get(), timeout_ms_);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return tl::make_unexpected(
        cluster_error(bootstrap_, error, "cannot read the offsets of group \"" + group + "\""));
  }
  for (int i = 0; i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& one = list->elems[i];
    out[{one.topic, one.partition}] = one.offset < 0 ? -1 : one.offset;
  }
  return out;
}

Status Cluster::delete_group(const std::string& name) {
  const std::string what = "cannot delete group \"" + name + "\"";
  const Owned<rd_kafka_DeleteGroup_t> group(rd_kafka_DeleteGroup_new(name.c_str()));
  const Owned<rd_kafka_queue_t> queue(rd_kafka_queue_new(client_));
  const auto options = options_for(client_, RD_KAFKA_ADMIN_OP_DELETEGROUPS, timeout_ms_);
  rd_kafka_DeleteGroup_t* list[] = {group.get()};
  rd_kafka_DeleteGroups(client_, list, 1, options.get(), queue.get());
  PENSTOCK_ASSIGN_OR_RETURN(const auto event, wait_for(queue.get(), timeout_ms_, bootstrap_, what));
  std::size_t count = 0;
  const auto* results =
      rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(event.get()), &count);
  for (std::size_t i = 0; i < count; ++i) {
    if (const rd_kafka_error_t* error = rd_kafka_group_result_error(results[i])) {
      return tl::make_unexpected(cluster_error(bootstrap_, rd_kafka_error_code(error), what,
                                               rd_kafka_error_string(error)));
    }
  }
  return {};
}

}  // namespace penstock::cli
