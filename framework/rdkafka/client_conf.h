#pragma once

#include <librdkafka/rdkafka.h>

#include <array>
#include <memory>
#include <string>

#include "framework/base/error.h"
#include "framework/rdkafka/settings.h"

// Only for the .cc files of this folder.
namespace penstock::rdkafka {

struct ConfDeleter {
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
};
using Conf = std::unique_ptr<rd_kafka_conf_t, ConfDeleter>;

/// librdkafka logs to stderr, which the worker reads line by line.
inline Result<Conf> make_conf(const ClientSettings& settings) {
  Conf conf(rd_kafka_conf_new());
  std::array<char, 512> text{};
  for (const auto& [name, value] : settings.values) {
    if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), text.data(), text.size()) !=
        RD_KAFKA_CONF_OK) {
      return fail(Errc::kInvalid, name + ": " + text.data());
    }
  }
  return conf;
}

inline Result<rd_kafka_t*> make_client(rd_kafka_type_t type, Conf conf) {
  std::array<char, 512> text{};
  rd_kafka_t* client = rd_kafka_new(type, conf.get(), text.data(), text.size());
  if (client == nullptr) return fail(Errc::kInvalid, std::string("Kafka client: ") + text.data());
  static_cast<void>(conf.release());  // owned by the client now
  return client;
}

struct PartitionListDeleter {
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
};
using PartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t, PartitionListDeleter>;

}  // namespace penstock::rdkafka
