#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/error.h"
#include "framework/rdkafka/settings.h"

struct rd_kafka_s;

namespace penstock::rdkafka {

struct NewTopic {
  std::string name;
  int partitions = -1;          // -1: the broker's default
  int replication_factor = -1;  // -1: the broker's default
  SettingMap config;
};

/// Requests to the cluster that wait for their answer. One thread.
class Admin {
 public:
  static Result<std::unique_ptr<Admin>> open(const ClientSettings& settings);
  ~Admin();
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;

  /// A topic that is there already is no error. kUnavailable and kTimeout: trying again may help;
  /// the text is the broker's.
  Status create_topic(const NewTopic& topic, int timeout_ms);
  /// True when the cluster has it. Creates nothing.
  Result<bool> topic_exists(const std::string& name, int timeout_ms);

 private:
  explicit Admin(rd_kafka_s* handle) : handle_(handle) {}
  rd_kafka_s* handle_;
};

}  // namespace penstock::rdkafka
